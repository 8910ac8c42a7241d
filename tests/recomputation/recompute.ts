/**
 * `processed.*` from `raw.events` alone, by a second and simple program: whole histories in arrays, two-pass statistics,
 * a regular expression for every form. It knows EVENTS.md, and nothing of lib/.
 */
import { createHash } from "node:crypto";
import { cellOf, isObject, type Json, KINDS, moment, Num, units, written } from "./fields.ts";
import { mapped, type RawRecord } from "./mapping.ts";

export type Row = Readonly<Record<string, unknown>>;

interface Seen {
  received_us: number;
  window_us: number;
  content: string;
}

/** One partition as far as it was read. */
interface Partition {
  highest_us: number | null;
  watermark_us: number | null;
  seen: Map<string, Seen>;
  /** Amounts by user and currency, in ten-thousandths. */
  amounts: Map<string, bigint[]>;
  settings: Record<string, number>;
}

interface Verdict {
  outcome: string;
  reason?: string;
  /** `field:code` of every fault. */
  faults?: string[];
  kind: string | null;
  event_id: string | null;
  event?: Typed;
}

interface Typed {
  kind: string;
  event_id: string;
  us: number;
  cells: Record<string, unknown>;
  extra: string | null;
}

export interface Recomputed {
  /** Rows by table, in the order of the log. */
  tables: Map<string, Row[]>;
  /** What `outcome`, `kind` and `event_id` of each raw row must be. */
  raw: Row[];
}

const MAPPED = ["stripe", "revolut", "standard_webhooks", "cloud_events"];
const SIGNED = [...MAPPED, "github", "shopify"];
const MINUTE_US = 60_000_000;

/** `raw` is one partition's, in order. */
export function recompute(raw: readonly Row[]): Recomputed {
  const partition: Partition = {
    highest_us: null,
    watermark_us: null,
    seen: new Map(),
    amounts: new Map(),
    settings: {},
  };
  const made: Recomputed = { tables: new Map(), raw: [] };
  const add = (table: string, row: Row) =>
    void (made.tables.get(table) ?? made.tables.set(table, []).get(table)!).push(row);
  for (const record of raw) {
    const received_us = Date.parse(`${record.received_at}Z`) * 1000;
    if (record.source === "millrace") {
      control(partition, record, received_us);
      continue;
    }
    const verdict = judged(partition, record, received_us);
    const { outcome, kind, event_id, event } = verdict;
    made.raw.push({ log_offset: record.log_offset, outcome, kind, event_id });
    if (outcome === "dead_letter") add("dead_letters", letterRow(record, verdict));
    if (outcome === "row") keep(partition, { record, event: event!, received_us }, add);
  }
  return made;
}

function control(partition: Partition, { kind, body }: Row, received_us: number): void {
  if (kind === "settings") partition.settings = JSON.parse(String(body));
  if (kind !== "tick" || partition.watermark_us === null) return;
  const { out_of_orderness_ms } = partition.settings;
  partition.watermark_us = Math.max(partition.watermark_us, received_us - out_of_orderness_ms * 1000);
}

function judged(partition: Partition, record: Row, received_us: number): Verdict {
  const bytes = record.body_encoding === "base64"
    ? Uint8Array.from(atob(String(record.body)), (one) => one.charCodeAt(0))
    : new TextEncoder().encode(String(record.body));
  const parsed = parse(bytes);
  if (typeof parsed === "string") {
    const kind = SIGNED.includes(String(record.source)) ? null : record.kind as string;
    return { outcome: "dead_letter", reason: parsed, faults: [`:${parsed}`], kind, event_id: null };
  }
  const meaning = mapped(parsed.body, record as unknown as RawRecord);
  if ("unmapped" in meaning) {
    return { outcome: "unmapped", kind: meaning.unmapped, event_id: meaning.event_id };
  }
  if ("malformed" in meaning) {
    const { malformed: kind, event_id } = meaning;
    return { outcome: "dead_letter", reason: "schema", kind, event_id };
  }
  const checked = check(meaning.kind, meaning.event);
  const { event_id } = checked;
  const dead = (reason: string, faults: string[]): Verdict => ({
    outcome: "dead_letter",
    reason,
    faults,
    kind: meaning.kind,
    event_id,
  });
  if (checked.faults.length > 0) return dead("schema", checked.faults);
  const { event } = checked;
  if (event.us > received_us + 5 * MINUTE_US) return dead("future_timestamp", ["timestamp:future_timestamp"]);
  const answer = claim(partition, record, { event, received_us });
  if (answer === "id_conflict") return dead("id_conflict", ["event_id:id_conflict"]);
  return { outcome: answer, kind: meaning.kind, event_id, event };
}

/** The value with its numbers as written, or why there is none. */
function parse(bytes: Uint8Array): { body: Json } | "undecodable" | "too_deep" {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const reviver = (_key: string, value: unknown, context?: { source?: string }) =>
      typeof value === "number" ? new Num(context!.source!) : value;
    const body: Json = JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
    if (!wellFormed(body)) return "undecodable";
    return depth(body) > 64 ? "too_deep" : { body };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return "undecodable";
    throw error;
  }
}

function wellFormed(value: Json): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (Array.isArray(value)) return value.every(wellFormed);
  return !isObject(value) ||
    Object.entries(value).every(([key, item]) => key.isWellFormed() && wellFormed(item));
}

function depth(value: Json): number {
  const inner = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : null;
  return inner === null ? 0 : 1 + Math.max(0, ...inner.map(depth));
}

function check(kind: string, body: { [key: string]: Json }) {
  const { required, optional } = KINDS[kind];
  const given = { ...body };
  const isGiven = (name: string) => Object.hasOwn(given, name) && given[name] !== null;
  if (kind === "transaction" && !isGiven("user_id") && isGiven("account_id")) {
    given.user_id = given.account_id;
    delete given.account_id;
  }
  const faults: string[] = [];
  const cells: Record<string, unknown> = {};
  const id = isGiven("event_id") ? KINDS.user_activity.required.user_id(given.event_id) : null;
  if (id === null || id.code !== null) faults.push(`event_id:${id?.code ?? "missing"}`);
  const time = isGiven("timestamp") ? moment(given.timestamp) : { code: "missing" };
  if ("code" in time) faults.push(`timestamp:${time.code}`);
  for (const [name, read] of [...Object.entries(required), ...Object.entries(optional)]) {
    const result = isGiven(name) ? read(given[name]) : null;
    if (result === null && name in required) faults.push(`${name}:missing`);
    if (result?.code) faults.push(`${name}:${result.code}`);
    cells[name] = result?.cell ?? null;
  }
  const known = ["event_id", "timestamp", ...Object.keys(required), ...Object.keys(optional)];
  const unknown = Object.entries(given).filter(([name]) => !known.includes(name));
  const us = "us" in time ? time.us : 0;
  if (kind === "clickstream") derive(cells, us);
  const event_id = id?.cell === undefined ? null : id.cell as string | null;
  const extra = unknown.length === 0 ? null : written(Object.fromEntries(unknown));
  return { faults, event_id, event: { kind, event_id: String(event_id), us, cells, extra } };
}

function derive(cells: Record<string, unknown>, us: number): void {
  const { event_type, price_cents, quantity, user_agent } = cells;
  const sold = event_type === "purchase" && price_cents !== null && quantity !== null;
  cells.revenue_cents = sold ? Number(price_cents) * Number(quantity) : null;
  cells.event_hour = new Date(us / 1000).getUTCHours();
  const has = (...words: string[]) => words.some((word) => String(user_agent).toLowerCase().includes(word));
  cells.is_mobile = has("mobi", "android", "iphone", "ipad");
  cells.is_bot = has("bot", "crawler", "spider", "scrapy", "curl", "wget", "httpx");
}

function claim(
  { seen, settings }: Partition,
  record: Row,
  { event, received_us }: { event: Typed; received_us: number },
): "row" | "duplicate" | "id_conflict" {
  const source = String(record.source);
  const content = MAPPED.includes(source) ? JSON.stringify(event) : String(record.sha256);
  const name = JSON.stringify([source, event.kind, event.event_id]);
  const before = seen.get(name);
  if (before !== undefined && received_us < before.received_us + before.window_us) {
    return before.content === content ? "duplicate" : "id_conflict";
  }
  const window_us = (SIGNED.includes(source) ? settings.dedup_webhook_ms : settings.dedup_token_ms) * 1000;
  seen.set(name, { received_us, window_us, content });
  return "row";
}

function letterRow(record: Row, { reason, faults, kind }: Verdict): Row {
  const { source, log_partition, log_offset, received_at, body, body_encoding, replay_of } = record;
  const place = JSON.stringify([source, log_partition, log_offset]);
  return {
    dead_letter_id: createHash("sha256").update(place).digest("hex").slice(0, 32),
    reason,
    faults: faults?.toSorted(),
    original: body,
    original_encoding: body_encoding,
    source,
    kind,
    log_partition,
    log_offset,
    received_at,
    attempts: 1,
    replay_of,
  };
}

function keep(
  partition: Partition,
  { record, event, received_us }: { record: Row; event: Typed; received_us: number },
  add: (table: string, row: Row) => void,
): void {
  const { watermark_us, settings } = partition;
  const { source, log_partition, log_offset } = record;
  const late = watermark_us !== null && event.us < watermark_us - settings.allowed_lateness_ms * 1000;
  const place = { source, log_partition, log_offset, event_id: event.event_id, event_time: cellOf(event.us) };
  const received_at = cellOf(received_us);
  const statistics = event.kind === "transaction" ? standing(partition, event, !late) : {};
  const row = {
    ...place,
    received_at,
    late,
    schema_version: 0,
    ...event.cells,
    ...statistics,
    extra: event.extra,
  };
  add(KINDS[event.kind].table, row);
  if (late) {
    const late_by_ms = Math.floor((watermark_us - event.us) / 1000);
    add("late_events", {
      ...place,
      received_at,
      kind: event.kind,
      watermark: cellOf(watermark_us),
      late_by_ms,
    });
    return;
  }
  partition.highest_us = Math.max(partition.highest_us ?? 0, event.us);
  const towards_us = partition.highest_us - settings.out_of_orderness_ms * 1000;
  partition.watermark_us = Math.max(watermark_us ?? -Infinity, towards_us);
}

/** Exact sums in integers; doubles only at the end. */
function standing({ amounts }: Partition, { cells }: Typed, counts: boolean): Row {
  const name = JSON.stringify([cells.user_id, cells.currency]);
  const before = amounts.get(name) ?? [];
  const amount = units(String(cells.amount));
  if (counts) amounts.set(name, [...before, amount]);
  const n = before.length;
  if (n === 0) return { user_txn_count: 0, user_running_mean: null, z_score: null, is_anomaly: false };
  const sum = before.reduce((total, one) => total + one, 0n);
  const mean = Number(sum) / n / 1e4;
  if (n === 1) return { user_txn_count: 1, user_running_mean: mean, z_score: null, is_anomaly: false };
  const squares = before.reduce((total, one) => total + (one * BigInt(n) - sum) ** 2n, 0n);
  const deviation = Math.sqrt(Number(squares) / (n * n * (n - 1))) / 1e4;
  const z_score = (Number(amount) / 1e4 - mean) / Math.max(deviation, 0.1);
  return {
    user_txn_count: n,
    user_running_mean: mean,
    z_score,
    is_anomaly: n >= 10 && Math.abs(z_score) > 3,
  };
}
