-- check: staleness
-- doc: Hours since the last row of each source that sent on most days of the week before.
-- severity: high

WITH arrivals AS (
  SELECT source, received_at FROM raw.events
  WHERE received_at >= $now - INTERVAL 9 DAY AND received_at < $now AND outcome <> 'control'
),
sources AS (
  SELECT
    source AS subject,
    max(received_at) AS last_at,
    count(DISTINCT CAST(received_at AS DATE)) FILTER (received_at < $now - INTERVAL 1 DAY) AS days
  FROM arrivals
  GROUP BY source
)
SELECT
  subject,
  CAST(date_diff('second', last_at, $now) AS DOUBLE) / 3600 AS value,
  24.0 AS expected,
  value > 24 AS failed,
  format('nothing from {} for {:.1f} hours', subject, value) AS description
FROM sources
WHERE days >= 4
