-- name: merchant_rollup
-- doc: Each merchant and currency: the thirty days up to the newest day of data against the whole life.
-- grain: merchant_id, currency
-- test: unique merchant_id, currency
-- test: not_null merchant_id, currency, lifetime_revenue, lifetime_payments, revenue_30d, payments_30d
-- test: relation merchant_id -> analytics.daily_merchant_revenue.merchant_id

WITH newest AS (
  SELECT max(day) AS day FROM analytics.daily_merchant_revenue
),
totals AS (
  SELECT
    merchant_id,
    currency,
    arg_max(merchant_name, daily.day) FILTER (merchant_name IS NOT NULL) AS merchant_name,
    min(daily.day) AS first_day,
    max(daily.day) AS last_day,
    count(*) AS active_days,
    CAST(sum(revenue) AS DECIMAL(38, 4)) AS lifetime_revenue,
    CAST(sum(payments) AS BIGINT) AS lifetime_payments,
    CAST(sum(refunds) AS BIGINT) AS lifetime_refunds,
    CAST(coalesce(sum(revenue) FILTER (daily.day > newest.day - 30), 0) AS DECIMAL(38, 4)) AS revenue_30d,
    CAST(coalesce(sum(payments) FILTER (daily.day > newest.day - 30), 0) AS BIGINT) AS payments_30d,
    CAST(coalesce(sum(refunds) FILTER (daily.day > newest.day - 30), 0) AS BIGINT) AS refunds_30d,
    any_value(newest.day) AS newest_day
  FROM analytics.daily_merchant_revenue AS daily, newest
  GROUP BY merchant_id, currency
),
averages AS (
  SELECT
    *,
    CAST(revenue_30d AS DOUBLE) / least(30, newest_day - first_day + 1) AS daily_average_30d,
    CAST(lifetime_revenue AS DOUBLE) / (newest_day - first_day + 1) AS daily_average_lifetime
  FROM totals
)
SELECT * EXCLUDE (newest_day), daily_average_30d / nullif(daily_average_lifetime, 0) AS trend_ratio
FROM averages
