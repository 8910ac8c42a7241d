-- check: enum_drift
-- doc: Values outside of a closed list, ten dead letters or more of one field and value in a day.
-- severity: medium

WITH faults AS (
  SELECT kind, source, UNNEST(errors) AS fault FROM processed.dead_letters
  WHERE reason = 'schema' AND received_at >= $now - INTERVAL 1 DAY AND received_at < $now
)
SELECT
  format('{}.{} {}', coalesce(kind, 'unknown'), fault.field, coalesce(fault.actual, 'null')) AS subject,
  CAST(count(*) AS DOUBLE) AS value,
  10.0 AS expected,
  value >= 10 AS failed,
  format('{:.0f} events of the last day have {} = {}', value, fault.field, coalesce(fault.actual, 'null')) AS description
FROM faults
WHERE fault.code = 'invalid_enum'
GROUP BY kind, fault.field, fault.actual
