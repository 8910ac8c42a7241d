-- check: volume
-- doc: The last whole day of each kind against the mean of the seven days before it, where at least three have rows.
-- severity: medium

WITH events AS (
  SELECT 'transactions' AS subject, received_at FROM processed.transactions
  WHERE received_at >= $now - INTERVAL 9 DAY
  UNION ALL
  SELECT 'clickstream', received_at FROM processed.clickstream WHERE received_at >= $now - INTERVAL 9 DAY
  UNION ALL
  SELECT 'sensor_readings', received_at FROM processed.sensor_readings WHERE received_at >= $now - INTERVAL 9 DAY
  UNION ALL
  SELECT 'api_calls', received_at FROM processed.api_calls WHERE received_at >= $now - INTERVAL 9 DAY
  UNION ALL
  SELECT 'user_activity', received_at FROM processed.user_activity WHERE received_at >= $now - INTERVAL 9 DAY
),
days AS (
  SELECT subject, CAST($now AS DATE) - CAST(received_at AS DATE) AS age, count(*) AS volume
  FROM events
  GROUP BY ALL
),
compared AS (
  SELECT
    subject,
    coalesce(sum(volume) FILTER (age = 1), 0) AS value,
    avg(volume) FILTER (age BETWEEN 2 AND 8) AS expected,
    count(*) FILTER (age BETWEEN 2 AND 8) AS days
  FROM days
  GROUP BY subject
)
SELECT
  subject,
  CAST(value AS DOUBLE) AS value,
  expected,
  value < 0.5 * expected OR value > 2 * expected AS failed,
  format('{} rows yesterday, {:.0f} a day in the week before', CAST(value AS BIGINT), expected) AS description
FROM compared
WHERE days >= 3
