/** The shapes of what tells the program's state: status, live numbers, health, rules, windows, kinds. */
import { QUERY_FORMATS } from "../lib/query/format.ts";
import { MAX_NAME_CHARS } from "./alerts.ts";
import { inWords } from "./api_route.ts";
import { MAX_IDS } from "./dead_letters.ts";
import {
  anyObject,
  boolean,
  byName,
  choice,
  exactOrNull,
  integer,
  listed,
  number,
  object,
  orNull,
  ref,
  type Schema,
  text,
  time,
  timeOrNull,
} from "./json_schema.ts";
import { DEFAULT_ROWS, MAX_ROWS } from "./query.ts";

const condition = choice("ok", "degraded", "down");
const counts = {
  accepted: integer,
  rows: integer,
  duplicates: integer,
  dead_letters: integer,
  unmapped: integer,
  of_which_late: integer,
};

export const STATE_ITEMS: Readonly<Record<string, Schema>> = {
  Window: {
    ...object({
      name: text(),
      kind: text("tumbling, sliding, session, ..."),
      table: text("Of its revisions."),
      view: text("Of its newest rows."),
    }),
    additionalProperties: true,
  },
  KindName: object({ name: text(), doc: text(), table: text() }),
};

export const STATE_SCHEMAS: Readonly<Record<string, Schema>> = {
  Account: object({
    source: text(),
    ...counts,
    in_flight: integer,
    holds: { ...boolean, description: "accepted = rows + duplicates + dead_letters + unmapped + in_flight." },
  }),
  Stage: object({
    name: choice("door", "log", "process", "publish", "compact"),
    state: choice("ok", "idle", "behind", "down"),
    lag_records: orNull("integer"),
    note: text(),
  }),
  Status: object({
    settled: {
      ...boolean,
      description:
        "Every durable record is processed, decided and published; false where a role has no log to know it by.",
    },
    partitions: listed(object({
      partition: integer,
      end_offset: integer,
      next_offset: integer,
      published_offset: integer,
      lag_records: integer,
      lag_seconds: number,
      watermark: timeOrNull,
      checkpoint: integer,
      epoch: integer,
    })),
    accounting: listed(ref("Account")),
    spill: object({ records: integer, bytes: integer, oldest_seconds: number }),
    freshness_seconds: orNull("number"),
    compaction: object({ waiting_files: integer, files: integer, bytes: integer, last_run: timeOrNull }),
    stages: listed(ref("Stage")),
    rules: { ...orNull("string"), description: "Version of the rules in force." },
    suppressed: { ...byName(integer), description: "Firings held back by cool-downs, by rule." },
    versions: byName(text()),
    as_of: time,
  }),
  Live: object({
    at: time,
    metrics: byName(orNull("number")),
    stages: listed(ref("Stage")),
    history: listed(
      object({ t: integer, seconds: number, kinds: byName(number), sources: byName(number) }, ["seconds"]),
    ),
    alerts: listed(object({
      alert_id: text(),
      rule: text(),
      severity: text(),
      user_id: orNull("string"),
      event_time: time,
      description: text(),
      z_score: orNull("number"),
    })),
    dead_letters: byName(integer),
    accounting: listed(ref("Account")),
    problems: listed(text()),
  }, ["stages", "history", "alerts", "dead_letters", "accounting", "problems"]),
  Alive: object({ status: choice("alive"), role: text() }),
  Readiness: object({
    status: choice("ready", "degraded", "unready"),
    role: text(),
    dependencies: listed(object({
      name: text(),
      condition,
      required: boolean,
      age_seconds: number,
      detail: text(),
    }, ["detail"])),
  }),
  Health: byName(condition),
  Rules: object({
    version: orNull("string"),
    taken_over: { ...boolean, description: "Whether the process workers have taken this version over." },
    yaml: text(),
    items: listed(anyObject),
    cursor: orNull("string"),
    problem: { ...orNull("string"), description: "Why the file that lies there is refused." },
  }),
  RulesPut: {
    description: "What was put, or with dry_run what it would have raised.",
    anyOf: [
      object({ version: text(), written: boolean }),
      object({ hours: number, events: integer, alerts: integer, by_rule: byName(integer) }),
    ],
  },
  Kind: object({
    name: text(),
    doc: text(),
    table: text(),
    partition_fields: listed(text()),
    schema: { ...anyObject, description: "JSON Schema of one event." },
    example: anyObject,
    columns: listed(object({ name: text(), type: { type: ["string", "object"] }, doc: text() })),
  }),
  Acknowledged: object({ alert_id: text(), acknowledged_by: text(), acknowledged_at: time }),
  AckAsked: object({
    by: { ...text("Who has seen it."), minLength: 1, maxLength: MAX_NAME_CHARS, default: "api" },
  }, ["by"]),
  ReplayAsked: object({
    ids: {
      ...listed(text()),
      maxItems: MAX_IDS,
      description: "Letters by their id; all that match without.",
    },
    reason: text("Letters of this reason."),
    source: text("Letters of this source."),
    from: { ...time, description: "Received from this time on." },
    to: { ...time, description: "Received before this time." },
    body: { type: ["string", "object"], description: "The corrected event, with exactly one id." },
  }, ["ids", "reason", "source", "from", "to", "body"]),
  QueryAsked: object({
    sql: text("One SELECT, WITH, FROM, VALUES, PIVOT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN."),
    snapshot: {
      ...exactOrNull,
      description: "Of one table that is named; the others as they were then. Without as_of.",
    },
    as_of: { ...text("A time, without snapshot: every table as it was then.") },
    limit: {
      ...integer,
      description: `Rows at most (${inWords(DEFAULT_ROWS)}; at most ${inWords(MAX_ROWS)}).`,
      minimum: 0,
      default: DEFAULT_ROWS,
    },
    format: {
      ...choice(...QUERY_FORMATS),
      description: `${QUERY_FORMATS.join(", ")} (json).`,
      default: "json",
    },
  }, ["snapshot", "as_of", "limit", "format"]),
};
