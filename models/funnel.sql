-- name: funnel
-- doc: Sessions of each day that looked, then put something into the cart, then bought, in this order; bots left out.
-- grain: day
-- incremental: day
-- test: unique day
-- test: not_null day, sessions, viewed, added, purchased

-- A session that spans midnight counts on both days, each with what it did there. Of equal times the earlier step is
-- taken to be earlier.
WITH steps AS (
  SELECT CAST(event_time AS DATE) AS day, user_id, session_id, event_type, event_time
  FROM processed.clickstream
  WHERE NOT is_bot AND event_time >= $from AND event_time < $to
),
viewed AS (
  SELECT *, min(event_time) FILTER (event_type = 'page_view') OVER (PARTITION BY day, user_id, session_id) AS viewed_at
  FROM steps
),
added AS (
  SELECT
    *,
    min(event_time) FILTER (event_type = 'add_to_cart' AND event_time >= viewed_at)
      OVER (PARTITION BY day, user_id, session_id) AS added_at
  FROM viewed
),
sessions AS (
  SELECT
    day,
    user_id,
    session_id,
    count(viewed_at) > 0 AS viewed,
    count(added_at) > 0 AS added,
    count(*) FILTER (event_type = 'purchase' AND event_time >= added_at) > 0 AS purchased
  FROM added
  GROUP BY ALL
),
days AS (
  SELECT
    day,
    count(*) AS sessions,
    count(*) FILTER (viewed) AS viewed,
    count(*) FILTER (added) AS added,
    count(*) FILTER (purchased) AS purchased
  FROM sessions
  GROUP BY day
)
SELECT
  *,
  added / nullif(viewed, 0) AS view_to_cart,
  purchased / nullif(added, 0) AS cart_to_purchase,
  purchased / nullif(viewed, 0) AS view_to_purchase
FROM days
