-- name: hourly_volume
-- doc: Events of each hour, kind and source, with their users and the share that came late.
-- grain: hour, kind, source
-- incremental: hour
-- test: unique hour, kind, source
-- test: not_null hour, kind, source, events, late_events
-- test: accepted kind in transaction, transaction_status, clickstream, sensor_reading, api_call, user_activity

WITH events AS (
  SELECT 'transaction' AS kind, source, event_time, late, user_id FROM processed.transactions
  WHERE event_time >= $from AND event_time < $to
  UNION ALL
  SELECT 'transaction_status', source, event_time, late, user_id FROM processed.transaction_statuses
  WHERE event_time >= $from AND event_time < $to
  UNION ALL
  SELECT 'clickstream', source, event_time, late, user_id FROM processed.clickstream
  WHERE event_time >= $from AND event_time < $to
  UNION ALL
  SELECT 'sensor_reading', source, event_time, late, device_id FROM processed.sensor_readings
  WHERE event_time >= $from AND event_time < $to
  UNION ALL
  SELECT 'api_call', source, event_time, late, user_id FROM processed.api_calls
  WHERE event_time >= $from AND event_time < $to
  UNION ALL
  SELECT 'user_activity', source, event_time, late, user_id FROM processed.user_activity
  WHERE event_time >= $from AND event_time < $to
)
SELECT
  date_trunc('hour', event_time) AS hour,
  kind,
  source,
  count(*) AS events,
  count(*) FILTER (late) AS late_events,
  count(DISTINCT user_id) AS users
FROM events
GROUP BY ALL
