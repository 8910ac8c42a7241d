-- check: approved_rate
-- doc: The share of finished transactions that were completed or approved, last day against the week before.
-- severity: high

WITH attempts AS (
  SELECT
    currency,
    received_at >= $now - INTERVAL 1 DAY AS recent,
    status IN ('completed', 'approved') AS approved
  FROM processed.transactions
  WHERE received_at >= $now - INTERVAL 8 DAY
    AND received_at < $now
    AND status IN ('completed', 'approved', 'failed', 'declined')
),
compared AS (
  SELECT
    currency AS subject,
    avg(CAST(approved AS INTEGER)) FILTER (recent) AS value,
    avg(CAST(approved AS INTEGER)) FILTER (NOT recent) AS expected
  FROM attempts
  GROUP BY currency
  HAVING count(*) FILTER (recent) >= 100 AND count(*) FILTER (NOT recent) >= 100
)
SELECT
  subject,
  value,
  expected,
  value < expected - 0.1 AS failed,
  format('{:.0f} % approved in the last day, {:.0f} % in the week before', 100 * value, 100 * expected) AS description
FROM compared
