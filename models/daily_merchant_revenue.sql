-- name: daily_merchant_revenue
-- doc: Revenue of each merchant, currency and day, with the last seven days by date and the change from the day before.
-- grain: merchant_id, currency, day
-- incremental: day
-- spread: 6 days
-- test: unique merchant_id, currency, day
-- test: not_null merchant_id, currency, day, revenue, payments, refunds, revenue_7d
-- test: relation merchant_id -> processed.transactions.merchant_id

-- Revenue is completed or approved plus refunded (negative). The rows of the six days before $from stand in the window
-- of the first days and are cut away at the end.
WITH days AS (
  SELECT
    merchant_id,
    currency,
    CAST(event_time AS DATE) AS day,
    arg_max(merchant_name, {'time': event_time, 'partition': log_partition, 'offset': log_offset})
      FILTER (merchant_name IS NOT NULL) AS merchant_name,
    sum(amount) AS revenue,
    count(*) FILTER (status <> 'refunded') AS payments,
    count(*) FILTER (status = 'refunded') AS refunds
  FROM processed.transactions
  WHERE status IN ('completed', 'approved', 'refunded')
    AND merchant_id IS NOT NULL
    AND event_time >= $from - INTERVAL 6 DAY
    AND event_time < $to
  GROUP BY ALL
),
compared AS (
  SELECT
    merchant_id,
    merchant_name,
    currency,
    day,
    revenue,
    payments,
    refunds,
    CAST(sum(revenue) OVER week AS DECIMAL(38, 4)) AS revenue_7d,
    CASE WHEN lag(day) OVER dates = day - 1 THEN lag(revenue) OVER dates END AS revenue_day_before
  FROM days
  WINDOW
    dates AS (PARTITION BY merchant_id, currency ORDER BY day),
    week AS (PARTITION BY merchant_id, currency ORDER BY day RANGE BETWEEN INTERVAL 6 DAY PRECEDING AND CURRENT ROW)
)
SELECT
  *,
  CAST((revenue - revenue_day_before) / nullif(abs(revenue_day_before), 0) AS DOUBLE) AS change_ratio
FROM compared
WHERE day >= $from AND day < $to
