-- check: duplicates
-- doc: Events of one source and id that became two rows within an hour, which deduplication must not let happen.
-- severity: critical

WITH rows AS (
  SELECT 'transactions' AS subject, source, event_id, log_partition, received_at FROM processed.transactions
  WHERE received_at >= $now - INTERVAL 1 DAY
  UNION ALL
  SELECT 'clickstream', source, event_id, log_partition, received_at FROM processed.clickstream
  WHERE received_at >= $now - INTERVAL 1 DAY
  UNION ALL
  SELECT 'sensor_readings', source, event_id, log_partition, received_at FROM processed.sensor_readings
  WHERE received_at >= $now - INTERVAL 1 DAY
  UNION ALL
  SELECT 'api_calls', source, event_id, log_partition, received_at FROM processed.api_calls
  WHERE received_at >= $now - INTERVAL 1 DAY
  UNION ALL
  SELECT 'user_activity', source, event_id, log_partition, received_at FROM processed.user_activity
  WHERE received_at >= $now - INTERVAL 1 DAY
),
repeats AS (
  SELECT
    subject,
    received_at - lag(received_at) OVER (
      PARTITION BY subject, source, event_id, log_partition ORDER BY received_at
    ) < INTERVAL 1 HOUR AS is_repeat
  FROM rows
)
SELECT
  subject,
  CAST(count(*) FILTER (is_repeat) AS DOUBLE) AS value,
  0.0 AS expected,
  value > 0 AS failed,
  format('{:.0f} rows repeat an event of the hour before', value) AS description
FROM repeats
GROUP BY subject
