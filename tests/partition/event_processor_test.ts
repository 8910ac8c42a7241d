/**
 * Records of every ugliness, as the log may hold them. Invariant: each is one raw row with one outcome, what cannot be
 * understood is a dead letter with its reason, and the partition goes on.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import { PartitionState } from "../../lib/checkpoint/state.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import { rulesControl } from "../../lib/configuration.ts";
import { changedFiles, controlRecord, fileRecord } from "../../lib/partition/control_record.ts";
import type { EventProcessor } from "../../lib/partition/event_processor.ts";
import { configuration, newProcessor } from "../lake/small_lake.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const YEAR_MS = 365 * 86_400_000;

interface Seen {
  rows: Record<string, Record<string, unknown>[]>;
  processor: EventProcessor;
}

function run(records: readonly Partial<LogRecord>[], processor = newProcessor(0)): Seen {
  const rows: Seen["rows"] = {};
  class Watched extends SegmentWriter {
    override add(...args: Parameters<SegmentWriter["add"]>): string {
      (rows[args[0]] ??= []).push(args[1]);
      return super.add(...args);
    }
  }
  const segment = new Watched();
  for (const [offset, record] of records.entries()) {
    processor.accept({
      partition: 0,
      offset,
      key: "u",
      value: null,
      headers: { source: "token", kind: "transaction", content_type: "application/json" },
      received_at: NOW,
      ...record,
    }, segment);
  }
  return { rows, processor };
}

function payment(change: Record<string, unknown> = {}): Uint8Array {
  const event = {
    event_id: "e1",
    timestamp: NOW - 1_000,
    user_id: "u",
    amount: "5.00",
    currency: "EUR",
    status: "completed",
    ...change,
  };
  return new TextEncoder().encode(JSON.stringify(event));
}

const outcomes = ({ rows }: Seen) => rows["raw.events"].map((row) => row.outcome);
const reasons = ({ rows }: Seen) => (rows["processed.dead_letters"] ?? []).map((row) => row.reason);

Deno.test("a source is counted whatever its name, also one that every object has", () => {
  const names = ["millrace", "constructor", "toString", "valueOf", "__proto__", "hasOwnProperty", ""];
  const seen = run(names.map((source) => ({
    value: payment(),
    headers: Object.fromEntries([["source", source], ["kind", "transaction"]]),
  })));
  const counts = { accepted: 1, rows: 1, duplicates: 0, dead_letters: 0, unmapped: 0, of_which_late: 0 };
  const { sources } = seen.processor.summary();
  deepStrictEqual(Object.entries(sources).sort(), names.map((name) => [name, counts]).sort());
});

Deno.test("null values, null keys, missing headers and poison become dead letters, and the partition goes on", () => {
  const seen = run([
    { value: null },
    { value: null, key: null },
    { value: payment(), key: null, headers: {} },
    { value: new Uint8Array([0xff, 0xfe, 0x00]) },
    { value: new TextEncoder().encode("[".repeat(100_000) + "]".repeat(100_000)) },
    { value: new TextEncoder().encode("") },
    { value: payment({ event_id: "e".repeat(1_000) }) },
    { value: payment({ event_id: "good" }) },
  ]);
  deepStrictEqual(outcomes(seen).toSpliced(2, 1), [...Array(6).fill("dead_letter"), "row"]);
  ok(reasons(seen).includes("undecodable") && reasons(seen).includes("too_deep"));
  strictEqual(seen.rows["processed.transactions"].length, 1);
  for (const [source, counts] of Object.entries(seen.processor.summary().sources)) {
    const { accepted, rows, duplicates, dead_letters, unmapped } = counts;
    strictEqual(accepted, rows + duplicates + dead_letters + unmapped, source);
  }
});

Deno.test("an event ten years ahead is quarantined, and the watermark stays", () => {
  const before = run([{ value: payment() }]).processor.summary().watermark_ms;
  const seen = run([{ value: payment() }, {
    value: payment({ event_id: "e2", timestamp: NOW + 10 * YEAR_MS }),
  }]);
  deepStrictEqual(outcomes(seen), ["row", "dead_letter"]);
  deepStrictEqual(reasons(seen), ["future_timestamp"]);
  strictEqual(seen.processor.summary().watermark_ms, before);
});

Deno.test("a rules record that cannot be is refused, the old rules stay; an empty one means none; alerts name their version", () => {
  const rules = (text: string) =>
    fileRecord("rules", 0, { file: rulesControl(text, configuration.kinds), received_at: NOW });
  const high = (limit: number) =>
    rules(`rules: [{ name: high, kind: threshold, severity: high, limit: ${limit}, cool_down: 1 s }]`);
  const bad = controlRecord("rules", 0, {
    body: { version: "bad", rules: [{ name: "high", kind: "no_such" }] },
    received_at: NOW,
    headers: { version: "bad", file_hash: "bad" },
  });
  const none = rules("");
  const event = (i: number) => ({
    value: payment({ event_id: `e${i}`, timestamp: NOW - 10_000 + 2_000 * i }),
  });
  const seen = run([high(1), event(0), bad, event(1), high(2), event(2), none, event(3)]);
  const alerts = seen.rows["analytics.alerts"].map((row) => [row.event_id, row.rule_version]);
  deepStrictEqual(alerts.map(([id]) => id), ["e0", "e1", "e2"]);
  strictEqual(alerts[0][1], alerts[1][1], "the bad rules changed nothing");
  strictEqual(new Set(alerts.map(([, version]) => version)).size, 2);
  strictEqual(seen.processor.summary().taken_over.rules, none.headers.version);
});

Deno.test("a rule that throws is a dead letter beside its row, which stays one, and the others go on", () => {
  const rules = fileRecord("rules", 0, {
    file: rulesControl(
      `rules:
        - { name: pair, kind: velocity, severity: low, count: 2, window: 60 s }
        - { name: high, kind: threshold, severity: high, limit: 1, cool_down: 1 ms }`,
      configuration.kinds,
    ),
    received_at: NOW,
  });
  const before = run([rules, { value: payment() }]).processor;
  const keyed = PartitionState.fromImage(before.takeImages().keyed);
  for (const name of [...keyed.spaces()].filter((name) => name.startsWith("rule/pair/"))) {
    for (const [key] of [...keyed.space(name).entries()]) keyed.space(name).put(key, -1);
  }
  const processor = newProcessor(0);
  processor.image("keyed", [keyed.image()]);
  const { sources, log_time_ms, taken_over } = before.summary();
  processor.resume({ sources, log_time_ms, taken_over });
  const seen = run([{ value: payment({ event_id: "e2", timestamp: NOW }) }], processor);
  deepStrictEqual(outcomes(seen), ["row"]);
  deepStrictEqual(reasons(seen), ["rule_failed"]);
  strictEqual(seen.rows["processed.transactions"].length, 1);
  deepStrictEqual(seen.rows["analytics.alerts"].map((row) => row.rule), ["high"]);
  const { rows, dead_letters } = processor.summary().sources.token;
  deepStrictEqual([rows, dead_letters], [2, 0]);
});

Deno.test("rules put through the API outlive a file that says something else, until that file is edited", () => {
  const file = (limit: number) =>
    rulesControl(
      `rules: [{ name: high, kind: threshold, severity: high, limit: ${limit} }]`,
      configuration.kinds,
    );
  const put = controlRecord("rules", 0, {
    body: file(7).body,
    received_at: NOW,
    headers: { version: file(7).version },
  });
  const { taken_over } = run([fileRecord("rules", 0, { file: file(1), received_at: NOW }), put]).processor
    .summary();
  strictEqual(taken_over.rules, file(7).version);
  const settings = { body: {}, version: "", file_hash: "" };
  const announced = (rules: ReturnType<typeof file>) =>
    changedFiles(0, taken_over, { seeds: { rules, settings }, now: NOW }).map(({ headers }) => headers.kind);
  deepStrictEqual(announced(file(1)), []);
  deepStrictEqual(announced(file(2)), ["rules"]);
});

Deno.test("a produce that timed out and was stored twice is one row and one duplicate", () => {
  const seen = run([{ value: payment() }, { value: payment() }]);
  deepStrictEqual(outcomes(seen), ["row", "duplicate"]);
});

Deno.test("a program that names no kind gets that of sources.yaml, whether it names itself or not; a sender's body does not", () => {
  const file = {
    ...configuration.settings,
    body: { ...configuration.settings.body, kafka_kind: "transaction" },
  };
  const settings = fileRecord("settings", 0, { file, received_at: NOW });
  const headed: Record<string, string>[] = [{}, { source: "erp" }, { source: "erp", kind: "api_call" }];
  const undecodable = { value: new Uint8Array([0xff]), headers: { source: "stripe" } };
  const { rows } = run([settings, ...headed.map((headers) => ({ value: payment(), headers })), undecodable]);
  const kinds = rows["raw.events"].slice(1).map(({ kind, outcome }) => [kind, outcome]);
  deepStrictEqual(kinds.slice(0, 2), [["transaction", "row"], ["transaction", "row"]]);
  deepStrictEqual(kinds.slice(2), [["api_call", "dead_letter"], [null, "dead_letter"]]);
});

Deno.test("a header that is no hash is not taken for one", () => {
  const headers = { source: "kafka", kind: "transaction", content_type: "application/json" };
  const hash = "a".repeat(64);
  const { rows } = run([
    { value: payment(), headers: { ...headers, sha256: "hello" } },
    { value: payment(), headers: { ...headers, sha256: hash } },
  ]);
  const hashes = rows["raw.events"].map(({ sha256 }) => String(sha256));
  ok(/^[0-9a-f]{64}$/.test(hashes[0]) && hashes[0] !== hash);
  strictEqual(hashes[1], hash);
});
