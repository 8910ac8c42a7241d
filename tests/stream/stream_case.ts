/** Streams of records for the tests of the pipeline: made by hand or at random, run whole or stopped and resumed. */
import fc from "fast-check";
import { PartitionState } from "../../lib/checkpoint/state.ts";
import type { Row } from "../../lib/event/column.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import type { StreamEvent, StreamOutput } from "../../lib/stream/operator.ts";
import { type Accepted, createPipeline, type Pipeline } from "../../lib/stream/pipeline.ts";
import { readRuleFile, type RuleSet } from "../../lib/stream/rule_definition.ts";
import { readWindowFile } from "../../lib/stream/window_definition.ts";

export const KINDS = kindsOf();
export const PARTITION = 3;
/** 2027-01-15T08:00:00Z. */
export const START_MS = 1_800_000_000_000;
export const DEFAULTS = { out_of_orderness_ms: 10_000, allowed_lateness_ms: 3_600_000 };

const config = (name: string) => Deno.readTextFileSync(new URL(`../../config/${name}`, import.meta.url));
/** What the shipped windows leave out: merged sets, averages over partitions, early revisions of other kinds. */
const MORE_WINDOWS = `
  - { name: all_minutes, over: transaction, kind: tumbling, size: 60 s, update_every: 20 s,
      aggregates: { all: { count: rows }, n: { count: merchant_id }, mean: { avg: amount }, low: { min: amount }, high: { max: amount },
                    users: { distinct: user_id, where: { currency: EUR } }, top_merchants: { top: merchant_id } } }
  - { name: visits, over: transaction, key: [user_id], kind: session, gap: 7500 ms, update_every: 5 s,
      aggregates: { n: { count: rows }, merchants: { distinct: merchant_id }, top_merchants: { top: merchant_id }, paid: { sum: amount },
                    low: { min: amount } } }
  - { name: quarter_hours, over: transaction, key: [currency, user_id], kind: sliding, size: 15 min, slide: 5 min,
      update_every: 60 s, aggregates: { n: { count: rows }, merchants: { distinct: merchant_id }, top_countries: { top: country } } }
`;
export const WINDOWS = readWindowFile(config("windows.yaml") + MORE_WINDOWS, KINDS);
export const SHIPPED_RULES = readRuleFile(config("rules.yaml"), KINDS);

/** An event as tests write it; times are milliseconds after START_MS. */
export interface TestEvent {
  kind?: string;
  at_ms: number;
  sub_us?: number;
  row: Record<string, Row[string]>;
}

export type TestRecord =
  | { event: TestEvent }
  | { tick_ms: number }
  | { control: string; body: unknown };

export interface Step {
  accepted: Accepted | null;
  outputs: StreamOutput[];
  refused: string | null;
}

export function streamEvent(
  { kind = "transaction", at_ms, sub_us = 0, row }: TestEvent,
  offset: number,
  partition = PARTITION,
): StreamEvent {
  const event_time_ms = START_MS + at_ms;
  return {
    source: "test",
    partition,
    offset,
    received_at: event_time_ms,
    kind,
    event_id: `e${offset}`,
    event_time_ms,
    event_time_sub_us: sub_us,
    row: { source: "test", event_id: `e${offset}`, late: false, ...row },
  };
}

export function newPipeline(state: PartitionState, partition = PARTITION): Pipeline {
  return createPipeline({ partition, state, defaults: DEFAULTS, kinds: KINDS });
}

export function step(pipeline: Pipeline, record: TestRecord, offset: number): Step {
  if ("event" in record) {
    const accepted = pipeline.accept(streamEvent(record.event, offset));
    return { accepted, outputs: accepted.outputs, refused: null };
  }
  if ("tick_ms" in record) {
    return { accepted: null, outputs: pipeline.advance(START_MS + record.tick_ms), refused: null };
  }
  const place = { source: "millrace", partition: PARTITION, offset, received_at: START_MS };
  return { accepted: null, ...pipeline.control(record.control, record.body, place) };
}

export function settingsRecord(windows: readonly unknown[], time = DEFAULTS): TestRecord {
  return { control: "settings", body: { ...time, dedup_token_ms: 1, dedup_webhook_ms: 1, windows } };
}

export function rulesRecord(rules: RuleSet): TestRecord {
  return { control: "rules", body: { version: rules.version, rules: rules.rules } };
}

export const SHIPPED: readonly TestRecord[] = [
  settingsRecord(WINDOWS.windows),
  rulesRecord(SHIPPED_RULES),
];

/** Runs all records; before those that `stopAt` names, everything but the checkpointed state is thrown away. */
export function run(
  records: readonly TestRecord[],
  stopAt: (offset: number) => boolean = () => false,
  partition = PARTITION,
): { steps: Step[]; state: PartitionState } {
  let state = new PartitionState();
  let image = state.image();
  let changes: Uint8Array[] = [];
  let pipeline = newPipeline(state, partition);
  const steps = records.map((record, offset) => {
    if (stopAt(offset)) {
      changes.push(state.takeChanges());
      state = PartitionState.fromImage(image);
      for (const one of changes) state.applyChanges(one);
      if (changes.length > 5) {
        image = state.image();
        changes = [];
      }
      pipeline = newPipeline(state, partition);
    }
    return step(pipeline, record, offset);
  });
  return { steps, state };
}

/** All of a state, in an order that does not depend on how it came to be. */
export function contents(state: PartitionState): unknown {
  return [...state.spaces()].sort().map((space) => [
    space,
    [...state.space(space).entries()].sort(([a], [b]) => a < b ? -1 : 1),
  ]);
}

/** Times that meet the edges of minutes, gaps and lateness more often than chance would. */
const hop = fc.oneof(
  fc.integer({ min: 0, max: 20_000 }),
  fc.constantFrom(0, 1, 1000, 10_000, 60_000, 120_000, 119_999, 300_000, 1_800_000, 3_600_000),
);
const lag = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 300_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(120_000, 3_600_000, 3_610_000, 3_610_001, 4_000_000) },
);
const shared = {
  hop,
  lag,
  sub_us: fc.constantFrom(0, 0, 0, 1, 999),
  user_id: fc.constantFrom("u1", "u2", "ü\0"),
};

const transaction = fc.record({
  ...shared,
  amount: fc.constantFrom("10.0000", "11.5000", "-3.2500", "20000.0000", "99999999999999.9999", "0.0001"),
  currency: fc.constantFrom("EUR", "JPY"),
  status: fc.constantFrom("completed", "approved", "failed", "refunded"),
  merchant_id: fc.constantFrom(
    null,
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "m8",
    "m9",
    "m10",
    "\uff5e",
    "😀",
  ),
  country: fc.constantFrom(null, "DE", "FR"),
  place: fc.constantFrom(null, [0, 0], [52.5, 13.4], [52.4, 13.1], [48.1, 11.6], [-33.9, 151.2]),
});

const click = fc.record({
  ...shared,
  session_id: fc.constantFrom("s1", "s2"),
  event_type: fc.constantFrom("page_view", "add_to_cart", "purchase", "search"),
  product_id: fc.constantFrom(null, ..."abcdefghijklmnopq", "😀", "\uff5e"),
  product_category: fc.constantFrom(null, "x", "y"),
  revenue_cents: fc.constantFrom(null, 5, 10_000_000_000_000),
  is_bot: fc.constantFrom(false, false, false, true),
});

/**
 * Transactions and clicks of a few users, out of order, sometimes late, with ticks in between; over hours, or all within
 * a minute or two.
 */
export const randomRecords: fc.Arbitrary<TestRecord[]> = fc.tuple(
  fc.constantFrom(1, 0.01),
  fc.array(
    fc.oneof(
      { weight: 8, arbitrary: transaction },
      { weight: 5, arbitrary: click },
      { weight: 1, arbitrary: fc.record({ tick: hop }) },
    ),
    { maxLength: 120, size: "max" },
  ),
).map(([scale, items]) => {
  let now = 0;
  return items.map((item): TestRecord => {
    if ("tick" in item) return { tick_ms: now + Math.floor(item.tick * scale) };
    const { hop, lag, sub_us, ...fields } = item;
    now += Math.floor(hop * scale);
    const at = { at_ms: now - Math.floor(lag * scale), sub_us };
    if (!("amount" in fields)) return { event: { kind: "clickstream", ...at, row: fields } };
    const { place, ...row } = fields;
    return { event: { ...at, row: { ...row, lat: place?.[0] ?? null, lon: place?.[1] ?? null } } };
  });
});

/** A tick far enough to close everything. */
export const CLOSE_ALL: TestRecord = { tick_ms: 400 * 86_400_000 };
