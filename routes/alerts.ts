/** `/api/alerts`: what the rules found, newest first, and that somebody has seen it. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { ACKNOWLEDGEMENTS } from "../lib/alert/acknowledgement.ts";
import { ALERTS, SEVERITIES } from "../lib/alert/alert.ts";
import type { Clock } from "../lib/clock.ts";
import { Fault } from "../lib/errors.ts";
import type { EventLog } from "../lib/log/log.ts";
import { partitionOf } from "../lib/log/topics.ts";
import { controlRecord } from "../lib/partition/control_record.ts";
import { ANY_TEXT, pageRequest, pieceOf, TIME } from "./cursor.ts";
import type { Env } from "./door.ts";
import { all, behind, type Item, type LakeSql, sameTimestamp, text, timestamp } from "./lake_sql.ts";
import {
  choiceParameter,
  PlainText,
  type Query,
  sinceDays,
  textParameter,
  timeParameter,
} from "./parameters.ts";
import { problem } from "./problem.ts";
import type { Progress } from "./progress.ts";
import { readJson, type SmallBodies } from "./small_body.ts";

export interface AlertsDeps {
  clock: Pick<Clock, "now">;
  lake: LakeSql;
  log: Pick<EventLog, "append">;
  partitions: number;
  bodies: SmallBodies;
  /** Tells the firings held back, as the newest checkpoints do: wherever they are counted. */
  progress(): Promise<Progress>;
}

interface Seen {
  acknowledged_by: string;
  acknowledged_at: string;
}

const ALERT_ID = /^[0-9a-f]{32}$/;
export const ALERT_STATES = ["open", "acknowledged"] as const;
export const MAX_NAME_CHARS = 200;
const MAX_REMEMBERED = 200;
const Acknowledging = z.object({ by: PlainText.min(1).max(MAX_NAME_CHARS).default("api") });

export function alerts(deps: AlertsDeps): Hono<Env> {
  // An acknowledgement is in the lake a few seconds later; until then we remember it.
  const seen = new Map<string, Seen>();
  return new Hono<Env>()
    .get("/api/alerts", async (c) => {
      const query = c.req.query();
      const page = pageRequest(c, [TIME, ANY_TEXT]);
      const there = await deps.lake.tables();
      const known = seenSql(there.has(ACKNOWLEDGEMENTS), seen);
      const sql = alertSql(query, page.after, { known, now_ms: deps.clock.now() });
      const found = await deps.lake.items({ sql, needs: [ALERTS], limit: page.limit + 1 }, c.req.raw.signal);
      const piece = pieceOf(found, page, (item) => [item.event_time, item.alert_id]);
      return c.json({ ...piece, suppressed: (await deps.progress()).suppressed });
    })
    .post("/api/alerts/:id/ack", (c) => acknowledge(deps, c, { alert_id: c.req.param("id"), seen }));
}

function alertSql(
  query: Query,
  after: readonly string[] | null,
  { known, now_ms }: { known: string; now_ms: number },
): string {
  const equal = (name: string) => {
    const value = textParameter(query, name);
    return value === null ? null : `${name} = ${text(value)}`;
  };
  choiceParameter(query, "severity", SEVERITIES);
  const state = choiceParameter(query, "state", ALERT_STATES);
  const from = query.days ? sinceDays(query, 1, now_ms) : timeParameter(query, "from");
  const to = timeParameter(query, "to");
  const last = after && { first: sameTimestamp(after[0]), second: text(after[1]) };
  const conditions = all(
    ...["rule", "severity", "user_id", "source", "event_id", "key"].map(equal),
    from === null ? null : `event_time >= ${timestamp(from)}`,
    to === null ? null : `event_time < ${timestamp(to)}`,
    state === null ? null : `acknowledged_at IS ${state === "open" ? "" : "NOT "}NULL`,
    behind("event_time", "alert_id", last),
  );
  return `
    WITH known AS (${known}), seen AS (${FIRST_SEEN}),
    listed AS (SELECT alerts.*, seen.acknowledged_by, seen.acknowledged_at FROM ${ALERTS} AS alerts
      LEFT JOIN seen ON seen.seen_id = alerts.alert_id)
    SELECT * FROM listed WHERE ${conditions} ORDER BY event_time DESC, alert_id DESC`;
}

/** Who saw it first. */
const FIRST_SEEN =
  `SELECT seen_id, min(seen_at) AS acknowledged_at, arg_min(by_whom, seen_at) AS acknowledged_by
    FROM known GROUP BY seen_id`;

/** Acknowledgements of the lake, and those that were made here since. */
function seenSql(isInLake: boolean, seen: ReadonlyMap<string, Seen>): string {
  const none = "SELECT '' AS seen_id, CAST(NULL AS TIMESTAMP) AS seen_at, '' AS by_whom WHERE false";
  const lake =
    `SELECT alert_id AS seen_id, acknowledged_at AS seen_at, acknowledged_by AS by_whom FROM ${ACKNOWLEDGEMENTS}`;
  const here = [...seen].map(([id, { acknowledged_at, acknowledged_by }]) =>
    `SELECT ${text(id)}, ${sameTimestamp(acknowledged_at)}, ${text(acknowledged_by)}`
  );
  return [none, ...(isInLake ? [lake] : []), ...here].join(" UNION ALL ");
}

/** Where the lake cannot be asked nothing is known: one acknowledgement more on the log changes nothing. */
async function seenInLake(lake: LakeSql, alert_id: string, signal: AbortSignal): Promise<Item | undefined> {
  const sql = `WITH known AS (${seenSql(true, new Map())}) ${FIRST_SEEN} HAVING seen_id = ${text(alert_id)}`;
  try {
    return (await lake.items({ sql, needs: [ACKNOWLEDGEMENTS], limit: 1 }, signal)).at(0);
  } catch (error) {
    if (error instanceof Fault && error.blame === "dependency") return undefined;
    throw error;
  }
}

/** An acknowledgement is a record of the log like everything that changes what is told. The first one stands. */
async function acknowledge(
  deps: AlertsDeps,
  c: Context<Env>,
  { alert_id, seen }: { alert_id: string; seen: Map<string, Seen> },
): Promise<Response> {
  if (!ALERT_ID.test(alert_id)) {
    return problem({ status: 404, detail: "There is no such alert.", code: "not_found", close: true });
  }
  const read = await readJson(c, deps.bodies, Acknowledging, { empty: { by: "api" } });
  if (read.refused) return read.refused;
  const { by } = read.value;
  const first = seen.get(alert_id) ?? await seenInLake(deps.lake, alert_id, c.req.raw.signal);
  if (first) {
    return c.json({
      alert_id,
      acknowledged_by: first.acknowledged_by,
      acknowledged_at: first.acknowledged_at,
    });
  }
  const now = deps.clock.now();
  const partition = partitionOf(alert_id, deps.partitions);
  const record = controlRecord("ack", partition, { body: { alert_id, by }, received_at: now });
  await deps.log.append("events", [record]);
  // Another may have come meanwhile.
  const shown = seen.get(alert_id) ?? { acknowledged_by: by, acknowledged_at: new Date(now).toISOString() };
  seen.set(alert_id, shown);
  const [oldest] = seen.keys();
  if (seen.size > MAX_REMEMBERED) seen.delete(oldest);
  return c.json({ alert_id, ...shown });
}
