/** The rows of raw events and dead letters: exactly their columns, and never a credential. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Column, Row } from "../../lib/event/column.ts";
import {
  DEAD_LETTER_COLUMNS,
  deadLetterId,
  deadLetterRow,
  idConflict,
  ruleFailed,
} from "../../lib/event/dead_letter.ts";
import { sha256Hex } from "../../lib/event/content_hash.ts";
import { createJudge, LARGEST_BODY_BYTES } from "../../lib/event/judge.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { RAW_EVENT_COLUMNS, rawRow } from "../../lib/event/raw_event.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import { LONGEST_ROW_BYTES } from "../../lib/parquet/ndjson.ts";
import { createSources } from "../../lib/source/sources.ts";

const { judge } = createJudge({ kinds: kindsOf(), sources: createSources() });

function record(value: string | Uint8Array | null, headers: Record<string, string> = {}): LogRecord {
  return {
    partition: 2,
    offset: 41,
    key: "k",
    value: typeof value === "string" ? new TextEncoder().encode(value) : value,
    headers,
    received_at: Date.UTC(2026, 0, 31, 9, 30),
  };
}

function names(columns: readonly Column[]): string[] {
  return columns.map((column) => column.name);
}

function raw(one: LogRecord): Row {
  const judgement = judge(one);
  return rawRow(one, judgement, judgement.verdict === "row" ? "row" : judgement.verdict);
}

const GOOD = '{"event_id":"e1","timestamp":1,"user_id":"u","activity":"a"}';

Deno.test("rawRow has exactly the columns of raw.events, whatever the record", () => {
  const records = [
    record(null),
    record("{"),
    record(GOOD, { source: "token", kind: "user_activity" }),
    record(""),
  ];
  for (const one of records) deepStrictEqual(Object.keys(raw(one)), names(RAW_EVENT_COLUMNS));
});

Deno.test("a body too large for a row is a dead letter with its hash, and is not kept", () => {
  const large = record(new Uint8Array(LARGEST_BODY_BYTES + 1).fill(0x20));
  const judgement = judge(large);
  ok(judgement.verdict === "dead_letter" && judgement.reason === "undecodable");
  deepStrictEqual(judgement.errors, [{
    field: "",
    code: "undecodable",
    expected: "at most 16777216 bytes",
    actual: "16777217 bytes",
  }]);
  const row = raw(large);
  deepStrictEqual([row.body, row.sha256, row.outcome], [null, sha256Hex(large.value!), "dead_letter"]);
  strictEqual(deadLetterRow(large, judgement).original, null);
});

Deno.test("a body of control characters makes no row that is too long to be read", () => {
  const noise = record(new Uint8Array(LARGEST_BODY_BYTES).fill(1));
  ok(JSON.stringify(raw(noise)).length < LONGEST_ROW_BYTES);
  const judgement = judge(noise);
  ok(judgement.verdict === "dead_letter");
  ok(JSON.stringify(deadLetterRow(noise, judgement)).length < LONGEST_ROW_BYTES);
});

Deno.test("rawRow keeps a body as text, and in base64 what is no UTF-8", () => {
  const row = raw(record(GOOD, { source: "token", kind: "user_activity", content_type: "application/json" }));
  deepStrictEqual([row.body, row.body_encoding, row.sha256], [GOOD, "utf8", sha256Hex(GOOD)]);
  deepStrictEqual([row.source, row.kind, row.event_id, row.outcome], ["token", "user_activity", "e1", "row"]);
  deepStrictEqual([row.log_partition, row.log_offset, row.received_at], [2, 41, "2026-01-31T09:30:00.000"]);
  const marked = raw(record("\ufeff{}"));
  strictEqual(marked.body, "\ufeff{}");
  const bytes = raw(record(new Uint8Array([0xff, 0x00])));
  deepStrictEqual([bytes.body, bytes.body_encoding], ["/wA=", "base64"]);
  const none = raw(record(null));
  deepStrictEqual([none.body, none.source, none.kind, none.outcome], [null, "kafka", null, "dead_letter"]);
});

Deno.test("rawRow takes the hash of mapped and dead records from their bytes", () => {
  const body =
    '{"id":"evt_1","type":"payment_intent.succeeded","created":1,"data":{"object":{"id":"pi","amount":1,"currency":"eur"}}}';
  for (const one of [record(body, { source: "stripe" }), record("{")]) {
    strictEqual(raw(one).sha256, sha256Hex(one.value ?? ""));
  }
  strictEqual(raw(record(body, { source: "stripe" })).outcome, "row");
});

Deno.test("rawRow takes over what the door said of a redacted body", () => {
  const row = raw(
    record(GOOD, { kind: "user_activity", redacted: "true", sha256: "f".repeat(64), replay_of: "d1" }),
  );
  deepStrictEqual([row.redacted, row.sha256, row.replay_of], [true, "f".repeat(64), "d1"]);
  deepStrictEqual(row.headers, {});
});

Deno.test("rawRow stores headers by an allow-list, those of other programs too", () => {
  const row = raw(record("{}", {
    source: "github",
    content_type: "application/json",
    "x-github-event": "push",
    "ce-type": "x",
    authorization: "Bearer secret",
    cookie: "secret",
    "x-hub-signature-256": "secret",
    "stripe-signature": "secret",
  }));
  deepStrictEqual(row.headers, { "x-github-event": "push", "ce-type": "x" });
  strictEqual(row.kind, "push");
});

Deno.test("rawRow makes a row of a control record", () => {
  const row = rawRow(record("{}", { source: "millrace", kind: "tick" }), null, "control");
  deepStrictEqual([row.source, row.kind, row.event_id, row.outcome], ["millrace", "tick", null, "control"]);
});

Deno.test("deadLetterRow has exactly its columns, and an id of place and rule", () => {
  const one = record("{}", { source: "token", kind: "transaction", attempts: "3", replay_of: "d0" });
  const judgement = judge(one);
  if (judgement.verdict !== "dead_letter") throw new Error(judgement.verdict);
  const row = deadLetterRow(one, judgement);
  deepStrictEqual(Object.keys(row), names(DEAD_LETTER_COLUMNS));
  deepStrictEqual([row.reason, row.attempts, row.replay_of, row.original], ["schema", 3, "d0", "{}"]);
  strictEqual(row.dead_letter_id, deadLetterId("token", 2, 41));
  deepStrictEqual((row.errors as readonly unknown[])[0], {
    field: "event_id",
    code: "missing",
    expected: "id",
    actual: null,
  });
  const ids = new Set([
    deadLetterId("token", 2, 41),
    deadLetterId("token", 2, 41, "r"),
    deadLetterId("token", 24, 1),
    deadLetterId("token2", 4, 1),
  ]);
  strictEqual(ids.size, 4);
});

Deno.test("deadLetterRow tells of conflicts and of rules that threw", () => {
  const one = record(GOOD, { source: "token", kind: "user_activity" });
  const conflict = deadLetterRow(one, idConflict("user_activity", "e1"));
  deepStrictEqual([conflict.reason, conflict.kind], ["id_conflict", "user_activity"]);
  const failed = deadLetterRow(one, ruleFailed("user_activity", "r1", "it threw"));
  strictEqual(failed.reason, "rule_failed");
  ok(failed.dead_letter_id !== conflict.dead_letter_id);
});
