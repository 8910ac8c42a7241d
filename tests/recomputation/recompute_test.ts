/**
 * Every column of every table in `processed`, as the program makes it from the log, against a second computation from the
 * raw rows alone. RECOMPUTE_EVENTS and RECOMPUTE_SEED make it longer and other.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { direct } from "./replay.ts";
import { type Json, Num, written } from "./fields.ts";
import { recompute, type Row } from "./recompute.ts";
import { SHIPPED } from "../shipped_stream.ts";
import { sceneRecords } from "./scene.ts";

const EVENTS = Number(Deno.env.get("RECOMPUTE_EVENTS") ?? 4_000);
const SEED = Number(Deno.env.get("RECOMPUTE_SEED") ?? 7);

/** Rows by table, as the program writes them. */
function makeTables(): Map<string, Row[]> {
  const texts = [...direct(sceneRecords(SEED, EVENTS))];
  const tables = texts.filter(([name]) => /^(raw|processed)\./.test(name));
  return new Map(
    tables.map(([name, text]) => [name, text.trimEnd().split("\n").map((line) => JSON.parse(line))]),
  );
}

let made: Map<string, Row[]> | null = null;
const processed = () => made ??= makeTables();

function exactly(text: unknown): string | null {
  if (typeof text !== "string") return null;
  const reviver = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === "number" ? new Num(context!.source!) : value;
  return written(JSON.parse(text, reviver as (key: string, value: unknown) => unknown) as Json);
}

/** JSON texts with numbers as their exact values; faults without their words. */
function comparable(table: string, row: Row): Row {
  if (table !== "dead_letters") {
    const properties = "properties" in row ? { properties: exactly(row.properties) } : {};
    return { ...row, ...("extra" in row ? { extra: exactly(row.extra) } : {}), ...properties };
  }
  const { errors, ...rest } = row;
  const faults = errors as { field: string; code: string; expected: string }[];
  for (const { expected } of faults) ok(expected.length > 0);
  return { ...rest, faults: faults.map(({ field, code }) => `${field}:${code}`).sort() };
}

function sameRow(table: string, actual: Row, expected: Row): void {
  deepStrictEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), `columns of ${table}`);
  for (const [column, value] of Object.entries(expected)) {
    const found = actual[column];
    const where = `${table}.${column} at offset ${expected.log_offset}`;
    const isMeasure = ["z_score", "user_running_mean"].includes(column) && typeof value === "number";
    if (!isMeasure) deepStrictEqual(found, value, where);
    else {ok(
        Math.abs(Number(found) - value) <= 1e-9 * Math.max(1, Math.abs(value)),
        `${where}: ${found}, ${value}`,
      );}
  }
}

Deno.test("processed.* is what a second program makes of raw.events, in every column", () => {
  const tables = processed();
  const raw = tables.get("raw.events")!;
  const again = recompute(raw);
  const outcomes = raw.filter(({ source }) => source !== "millrace")
    .map(({ log_offset, outcome, kind, event_id }) => ({ log_offset, outcome, kind, event_id }));
  deepStrictEqual(outcomes, again.raw);
  const names = [...tables.keys()].filter((name) => name.startsWith("processed."));
  deepStrictEqual(names.sort(), [...again.tables.keys()].map((name) => `processed.${name}`).sort());
  for (const [name, expected] of again.tables) {
    const actual = tables.get(`processed.${name}`)!;
    deepStrictEqual(actual.length, expected.length, name);
    // What a malformed body of a sender names is told by its mapping, and tried in its own tests.
    actual.forEach((row, at) => {
      const { faults, ...rest } = comparable(name, row);
      const { faults: wanted, ...recomputed } = expected[at];
      sameRow(
        name,
        wanted === undefined ? rest : { ...rest, faults },
        wanted === undefined ? recomputed : { ...recomputed, faults: wanted },
      );
    });
  }
});

Deno.test("the scene holds every outcome, reason and kind", () => {
  const tables = processed();
  const values = (table: string, column: string) =>
    new Set(tables.get(table)!.map((row) => String(row[column])));
  deepStrictEqual([...values("raw.events", "outcome")].sort(), [
    "control",
    "dead_letter",
    "duplicate",
    "row",
    "unmapped",
  ]);
  deepStrictEqual([...values("processed.dead_letters", "reason")].sort(), [
    "future_timestamp",
    "id_conflict",
    "schema",
    "too_deep",
    "undecodable",
  ]);
  for (const { table } of SHIPPED.kinds.values()) ok(tables.has(`processed.${table}`), table);
  ok(tables.get("processed.late_events")!.length > 10);
  ok(values("processed.transactions", "is_anomaly").has("true"));
});
