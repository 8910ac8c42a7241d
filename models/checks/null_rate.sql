-- check: null_rate
-- doc: The share of missing values of optional transaction columns, last day against the week before.
-- severity: low

WITH rows AS (
  SELECT
    received_at >= $now - INTERVAL 1 DAY AS recent,
    UNNEST([
      {'subject': 'merchant_id', 'missing': merchant_id IS NULL},
      {'subject': 'merchant_category', 'missing': merchant_category IS NULL},
      {'subject': 'payment_method', 'missing': payment_method IS NULL},
      {'subject': 'country', 'missing': country IS NULL},
      {'subject': 'device_id', 'missing': device_id IS NULL}
    ]) AS cell
  FROM processed.transactions
  WHERE received_at >= $now - INTERVAL 8 DAY AND received_at < $now
),
compared AS (
  SELECT
    cell.subject AS subject,
    avg(CAST(cell.missing AS INTEGER)) FILTER (recent) AS value,
    avg(CAST(cell.missing AS INTEGER)) FILTER (NOT recent) AS expected
  FROM rows
  GROUP BY ALL
  HAVING count(*) FILTER (recent) >= 100 AND count(*) FILTER (NOT recent) >= 100
)
SELECT
  'transactions.' || subject AS subject,
  value,
  expected,
  value > expected + 0.2 AS failed,
  format('{:.0f} % missing in the last day, {:.0f} % in the week before', 100 * value, 100 * expected) AS description
FROM compared
