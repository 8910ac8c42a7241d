/** The scene with fields that no kind knows, rules and windows that name them, and the records that make columns of them. */
import type { ColumnChange } from "../../lib/event/column_change.ts";
import type { NewRecord } from "../../lib/log/log.ts";
import { controlRecord } from "../../lib/partition/control_record.ts";
import { SHIPPED } from "../shipped_stream.ts";
import { sceneRecords } from "./scene.ts";

export const CHANGING_RULES = [
  { name: "golden", kind: "velocity", severity: "low", count: 3, window: "10 min", where: { tier: "gold" } },
  { name: "not_golden", kind: "threshold", severity: "low", limit: 1, where: { tier: { not: "gold" } } },
  { name: "tiers", kind: "distinct", severity: "low", field: "tier", count: 3, among: 5 },
  { name: "points", kind: "threshold", severity: "low", field: "points", limit: 90 },
  {
    name: "fall",
    kind: "sequence",
    severity: "low",
    within: "30 min",
    steps: [{ tier: "gold" }, { tier: "tin" }],
  },
];
const WINDOWS = [
  {
    name: "tier_minute",
    over: "transaction",
    key: ["user_id", "tier"],
    kind: "tumbling",
    size: "60 s",
    aggregates: { n: { count: "tier" }, points: { sum: "points" }, least: { min: "points" } },
  },
  {
    name: "tier_visits",
    over: "transaction",
    key: ["user_id"],
    kind: "session",
    gap: "10 min",
    aggregates: { tiers: { distinct: "tier" }, top_tiers: { top: "tier" }, mean: { avg: "points" } },
  },
];
const TIERS = ["gold", "silver", "tin", null];

const CHANGES: readonly ColumnChange[] = [
  { change: "add", column: { name: "tier", type: "string" } },
  { change: "add", column: { name: "points", type: "decimal(10, 2)" } },
  { change: "widen", name: "points", type: "decimal(12, 2)" },
  { change: "rename", name: "merchant_name", to: "merchant" },
];

/** Rules and windows come before the columns; the columns change one after the other. */
export function changingRecords(seed: number, events: number): NewRecord[] {
  const [settings, rules, ...rest] = sceneRecords(seed, events);
  const every = Math.floor(rest.length / (CHANGES.length + 2));
  const records: NewRecord[] = [
    withBody(settings, { ...SHIPPED.settings.body, windows: WINDOWS }),
    withBody(rules, { version: "named", rules: CHANGING_RULES }),
  ];
  rest.forEach((record, i) => {
    records.push(withFields(record, i));
    const count = i / every;
    if (!Number.isInteger(count) || count < 1 || count > CHANGES.length) return;
    const body = { kind: "transaction", changes: CHANGES.slice(0, count) };
    records.push(controlRecord("schema", 0, { body, received_at: record.received_at }));
  });
  return records;
}

function withBody(record: NewRecord, body: unknown): NewRecord {
  return { ...record, value: new TextEncoder().encode(JSON.stringify(body)) };
}

/** What is no JSON object stays what it is. */
function withFields(record: NewRecord, i: number): NewRecord {
  if (record.headers.kind !== "transaction" || record.value === null) return record;
  const text = new TextDecoder().decode(record.value);
  if (!text.startsWith("{") || !text.endsWith("}")) return record;
  const fields = JSON.stringify({ tier: TIERS[i % TIERS.length], points: `${i % 100}.${i % 10}` });
  return { ...record, value: new TextEncoder().encode(`${text.slice(0, -1)},${fields.slice(1)}`) };
}
