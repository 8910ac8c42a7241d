-- name: anomaly_summary
-- doc: Alerts of each day by rule, severity and merchant category.
-- grain: day, rule, severity, category
-- incremental: day
-- test: unique day, rule, severity, category
-- test: not_null day, rule, severity, category, alerts, users
-- test: accepted severity in low, medium, high, critical

-- The category is that of the transaction that raised the alert; an alert over another kind has none.
SELECT
  CAST(alerts.event_time AS DATE) AS day,
  alerts.rule,
  alerts.severity,
  coalesce(transactions.merchant_category, 'unknown') AS category,
  count(*) AS alerts,
  count(DISTINCT alerts.user_id) AS users,
  min(alerts.event_time) AS first_event_at,
  max(alerts.event_time) AS last_event_at
FROM analytics.alerts
LEFT JOIN processed.transactions
  ON transactions.log_partition = alerts.log_partition
  AND transactions.log_offset = alerts.log_offset
  AND transactions.event_time >= $from
  AND transactions.event_time < $to
WHERE alerts.event_time >= $from AND alerts.event_time < $to
GROUP BY ALL
