-- name: top_spenders
-- doc: The hundred users of each currency who spent most in the thirty days up to the newest day of data.
-- grain: currency, rank
-- test: unique currency, rank
-- test: unique currency, user_id
-- test: not_null currency, rank, user_id, total_spend, transactions
-- test: relation user_id -> processed.transactions.user_id

-- Spend is completed or approved plus refunded (negative). Thirty days back from the data, not from today: the same
-- rows give the same answer on any day.
WITH spend AS (
  SELECT
    currency,
    user_id,
    sum(amount) AS total_spend,
    count(*) AS transactions,
    count(DISTINCT merchant_id) AS merchants,
    max(event_time) AS last_event_at
  FROM processed.transactions
  WHERE status IN ('completed', 'approved', 'refunded')
    AND event_time >= (SELECT date_trunc('day', max(event_time)) - INTERVAL 29 DAY FROM processed.transactions)
  GROUP BY ALL
)
SELECT
  currency,
  row_number() OVER (PARTITION BY currency ORDER BY total_spend DESC, user_id) AS rank,
  user_id,
  total_spend,
  transactions,
  merchants,
  CAST(total_spend / transactions AS DOUBLE) AS average,
  last_event_at
FROM spend
QUALIFY rank <= 100
