/**
 * Records that no mapping knew when they came, tried again with the kinds and senders of today.
 *
 *   raw.events, `unmapped` ─► judged now ─┬─ a row ─► appended once more, `replay_of` = its place ─► like any record
 *                                         └─ anything else ─► stays what it is
 *
 * The raw table stays as it is, and the log decides: the record gets its duplicate check, its windows and its rules as if
 * it came now. A place that some record replays already is passed over, so that doing it twice changes nothing.
 */
import { Buffer } from "node:buffer";
import type { Judge } from "../event/judge.ts";
import { RAW_EVENTS } from "../event/raw_event.ts";
import type { Kinds } from "../event/kinds.ts";
import type { NewRecord } from "../log/log.ts";
import { partitionOf } from "../log/topics.ts";
import { quoteText } from "../query/relation_sql.ts";
import { describe } from "../source/describe.ts";
import { nameHeaders } from "../source/record_headers.ts";
import type { Sources } from "../source/sources.ts";

export interface RawChoice {
  /** Milliseconds since 1970, of the time they were received; `to` is not included. */
  from?: number;
  to?: number;
  source?: string;
  /** What records without a sender's own mapping are judged as. */
  kind?: string;
}

export interface RawReplayContext {
  /** Rows of a SELECT over tables of the lake. */
  ask(sql: string, limit: number): Promise<readonly (readonly unknown[])[]>;
  append(records: readonly NewRecord[]): Promise<unknown>;
  judge: Judge;
  kinds: Kinds;
  sources: Pick<Sources, "of">;
  partitions: number;
  now(): number;
  /** Hears how many were looked at. */
  progress(count: number): void;
}

export interface RawReplayed {
  /** Unmapped records that were chosen. */
  matched: number;
  replayed: number;
  /** Still unmapped, or not what their kind wants. */
  left: number;
  /** Replayed before. */
  skipped: number;
}

const AT_ONCE = 1_000;
const COLUMNS = "received_at, log_partition, log_offset, source, kind, content_type, " +
  "headers, body, body_encoding, sha256, redacted";
const encoder = new TextEncoder();

interface RawRecord {
  received_at: string;
  partition: number;
  offset: number;
  headers: Record<string, string>;
  value: Uint8Array;
}

export async function replayRaw(
  context: RawReplayContext,
  choice: RawChoice,
  { dry_run = false }: { dry_run?: boolean } = {},
): Promise<RawReplayed> {
  const done: RawReplayed = { matched: 0, replayed: 0, left: 0, skipped: 0 };
  for (let last: RawRecord | null = null;;) {
    const rows = await context.ask(chosenSql(choice, last), AT_ONCE);
    const found = rows.map((row) => ({ record: recordOf(row), replayed_before: row.at(-1) === true }));
    const open = found.filter((one) => !one.replayed_before).map((one) => one.record);
    const again = open.flatMap((record) => replayOf(context, record, choice.kind) ?? []);
    if (again.length > 0 && !dry_run) await context.append(again);
    done.matched += found.length;
    done.replayed += again.length;
    done.left += open.length - again.length;
    done.skipped += found.length - open.length;
    context.progress(found.length);
    if (found.length < AT_ONCE) return done;
    last = found[found.length - 1].record;
  }
}

function chosenSql({ from, to, source }: RawChoice, last: RawRecord | null): string {
  const time = (ms: number) => `TIMESTAMP ${quoteText(new Date(ms).toISOString().slice(0, -1))}`;
  const conditions = [
    "outcome = 'unmapped'",
    ...(from === undefined ? [] : [`received_at >= ${time(from)}`]),
    ...(to === undefined ? [] : [`received_at < ${time(to)}`]),
    ...(source === undefined ? [] : [`source = ${quoteText(source)}`]),
    ...(last === null ? [] : [
      `(received_at, log_partition, log_offset) > ` +
      `(TIMESTAMP ${quoteText(last.received_at.replace(/Z$/, ""))}, ${last.partition}, ${last.offset})`,
    ]),
  ];
  return `SELECT ${COLUMNS}, log_partition || '/' || log_offset IN ` +
    `(SELECT replay_of FROM ${RAW_EVENTS} WHERE replay_of IS NOT NULL) AS replayed_before ` +
    `FROM ${RAW_EVENTS} WHERE ${conditions.join(" AND ")} ` +
    `ORDER BY received_at, log_partition, log_offset LIMIT ${AT_ONCE}`;
}

function recordOf(row: readonly unknown[]): RawRecord {
  const [
    received_at,
    partition,
    offset,
    source,
    kind,
    content_type,
    stored,
    body,
    encoding,
    sha256,
    redacted,
  ] = row;
  const headers: Record<string, string> = { ...Object(stored), source: String(source) };
  if (typeof kind === "string") headers.kind = kind;
  if (typeof content_type === "string") headers.content_type = content_type;
  if (redacted === true) Object.assign(headers, { redacted: "true", sha256: String(sha256) });
  const place = { partition: Number(partition), offset: Number(offset) };
  headers.replay_of = `${place.partition}/${place.offset}`;
  const text = String(body ?? "");
  const value = encoding === "base64" ? new Uint8Array(Buffer.from(text, "base64")) : encoder.encode(text);
  return { received_at: String(received_at), ...place, headers, value };
}

/** null when it would become no row. */
function replayOf(context: RawReplayContext, record: RawRecord, kind?: string): NewRecord | null {
  const source = context.sources.of(record.headers.source);
  const headers = { ...record.headers, ...nameHeaders(source) };
  if (kind !== undefined && !source.is_mapped) headers.kind = kind;
  const { value } = record;
  const received_at = context.now();
  const { partition_key: key } = describe(source, context.kinds, headers, value);
  const partition = partitionOf(key, context.partitions);
  const again: NewRecord = { partition, key, value, headers, received_at };
  return context.judge.judge({ ...again, offset: 0 }).verdict === "row" ? again : null;
}
