/** `/api/users/:id/trends`, `/api/anomalies`, `/api/merchants/top`: the questions asked most, answered from the lake. */
import { Hono } from "hono";
import { SEVERITIES } from "../lib/alert/alert.ts";
import type { Clock } from "../lib/clock.ts";
import { ANY_TEXT, DAY, pageRequest, pieceOf, PLACE, TIME } from "./cursor.ts";
import type { Env } from "./door.ts";
import { all, behind, type LakeSql, sameTimestamp, text, timestamp } from "./lake_sql.ts";
import {
  choiceParameter,
  numberParameter,
  plainText,
  type Query,
  sinceDays,
  textParameter,
} from "./parameters.ts";

export interface AnalyticsDeps {
  clock: Pick<Clock, "now">;
  lake: LakeSql;
}

const TRANSACTIONS = "processed.transactions";
const ALERTS = "analytics.alerts";
export const TREND_DAYS = 30;
export const ANOMALY_DAYS = 7;
export const MERCHANT_DAYS = 30;
export const TOP_MERCHANTS = 10;

export function analytics({ clock, lake }: AnalyticsDeps): Hono<Env> {
  return new Hono<Env>()
    .get("/api/users/:id/trends", async (c) => {
      const query = c.req.query();
      const page = pageRequest(c, [DAY, ANY_TEXT]);
      const user_id = plainText("id", c.req.param("id"));
      const sql = trendSql(user_id, sinceDays(query, TREND_DAYS, clock.now()), page.after);
      const found = await lake.items({ sql, needs: [TRANSACTIONS], limit: page.limit + 1 }, c.req.raw.signal);
      return c.json(pieceOf(found, page, (item) => [item.day, item.currency]));
    })
    .get("/api/anomalies", async (c) => {
      const query = c.req.query();
      const page = pageRequest(c, [TIME, ANY_TEXT]);
      const sql = anomalySql(query, sinceDays(query, ANOMALY_DAYS, clock.now()), page.after);
      const found = await lake.items(
        { sql, needs: [ALERTS, TRANSACTIONS], limit: page.limit + 1 },
        c.req.raw.signal,
      );
      return c.json(pieceOf(found, page, (item) => [item.event_time, item.alert_id]));
    })
    .get("/api/merchants/top", async (c) => {
      const query = c.req.query();
      const page = pageRequest(c, [PLACE], TOP_MERCHANTS);
      // A ranking moves while it is read, so its cursor is a place and not an item.
      const from = Number(page.after?.[0] ?? 0);
      const sql = merchantSql(query, sinceDays(query, MERCHANT_DAYS, clock.now()), from);
      const found = await lake.items({ sql, needs: [TRANSACTIONS], limit: page.limit + 1 }, c.req.raw.signal);
      return c.json(pieceOf(found, page, () => [from + page.limit]));
    });
}

/** `after` is the day and currency of an earlier answer. */
function trendSql(user_id: string, since_ms: number, after: readonly string[] | null): string {
  const rest = after
    ? `day < DATE ${text(after[0])} OR (day = DATE ${text(after[0])} AND currency > ${text(after[1])})`
    : null;
  return `
    WITH days AS (
      SELECT CAST(event_time AS DATE) AS day, currency, sum(amount) AS total, count(*) AS count
      FROM ${TRANSACTIONS}
      WHERE user_id = ${text(user_id)} AND status IN ('completed', 'approved')
        AND event_time >= ${timestamp(since_ms)}
      GROUP BY ALL
    ),
    trend AS (
      SELECT day, currency, total, count, CAST(total AS DOUBLE) / count AS average,
        CAST(sum(total) OVER so_far AS DOUBLE) / sum(count) OVER so_far AS running_mean
      FROM days
      WINDOW so_far AS (PARTITION BY currency ORDER BY day)
    )
    SELECT * FROM trend WHERE ${all(rest)} ORDER BY day DESC, currency`;
}

function anomalySql(query: Query, since_ms: number, after: readonly string[] | null): string {
  const equal = (name: string, column: string) => {
    const value = textParameter(query, name);
    return value === null ? null : `${column} = ${text(value)}`;
  };
  choiceParameter(query, "severity", SEVERITIES);
  const min_z = numberParameter(query, "min_z");
  const last = after && { first: sameTimestamp(after[0]), second: text(after[1]) };
  const since = timestamp(since_ms);
  return `
    WITH anomalies AS (
      SELECT alerts.alert_id, alerts.rule, alerts.severity, alerts.user_id, alerts.event_id, alerts.event_time,
        coalesce(transactions.amount, alerts.context.amount) AS amount,
        coalesce(transactions.currency, alerts.context.currency) AS currency,
        coalesce(alerts.context.z_score, transactions.z_score) AS z_score
      FROM ${ALERTS} AS alerts
      LEFT JOIN ${TRANSACTIONS} AS transactions
        ON transactions.log_partition = alerts.log_partition
        AND transactions.log_offset = alerts.log_offset
        AND transactions.event_time >= ${since}
      WHERE alerts.event_time >= ${since}
    )
    SELECT * FROM anomalies
    WHERE ${
    all(
      equal("user_id", "user_id"),
      equal("rule", "rule"),
      equal("severity", "severity"),
      min_z === null ? null : `abs(z_score) >= ${min_z}`,
      behind("event_time", "alert_id", last),
    )
  }
    ORDER BY event_time DESC, alert_id DESC`;
}

/** Revenue is completed or approved plus refunded, whose amounts are negative; currencies are never added up. */
function merchantSql(query: Query, since_ms: number, from: number): string {
  const currency = textParameter(query, "currency");
  return `
    SELECT merchant_id,
      arg_max(merchant_name, event_time) FILTER (merchant_name IS NOT NULL) AS merchant_name,
      currency, sum(amount) AS revenue, count(*) AS count
    FROM ${TRANSACTIONS}
    WHERE ${
    all(
      "merchant_id IS NOT NULL",
      "status IN ('completed', 'approved', 'refunded')",
      `event_time >= ${timestamp(since_ms)}`,
      currency === null ? null : `currency = ${text(currency.toUpperCase())}`,
    )
  }
    GROUP BY merchant_id, currency
    ORDER BY revenue DESC, merchant_id, currency
    OFFSET ${from}`;
}
