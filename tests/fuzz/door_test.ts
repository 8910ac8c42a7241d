/**
 * Random bytes, bent JSON and bent events against everything between the door and the row.
 *
 * Invariants: nothing throws; every record gets exactly one verdict; the slices of an ingest body stand in it, in order,
 * and do not overlap; the door's key, id and rejection agree with what the judge says later; a row's cells are JSON
 * that reads back equal; raw text and base64 give the received bytes back.
 *
 * FUZZ_SEED repeats a run, FUZZ_RUNS lengthens it.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { createJudge } from "../../lib/event/judge.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { rawRow } from "../../lib/event/raw_event.ts";
import { describe } from "../../lib/source/describe.ts";
import { splitIngest } from "../../lib/source/ingest.ts";
import { createSources, SENDERS } from "../../lib/source/sources.ts";

const seed = Number(Deno.env.get("FUZZ_SEED") ?? Date.now() % 2 ** 31);
const numRuns = Number(Deno.env.get("FUZZ_RUNS") ?? 300);
console.log(`fuzz seed ${seed}`);

const kinds = kindsOf();
const sources = createSources();
const { judge } = createJudge({ kinds, sources });
const encoder = new TextEncoder();
const NOW_MS = Date.UTC(2026, 0, 31, 9, 30);

const kindName = fc.constantFrom(...kinds.keys());
const odd = fc.constantFrom(
  "1e400",
  "9007199254740993",
  '"\\ud800"',
  '"2026-01-31T09:30:00Z"',
  "-0",
  '{"__proto__":1}',
  "[[[[]]]]",
  "null",
  '"EUR"',
  "1.5",
);

/** An event of a kind in which some fields hold what they should not. */
const bentEvent = kindName.chain((name) => {
  const example = kinds.get(name)?.example ?? {};
  return fc.dictionary(
    fc.constantFrom(...Object.keys(example), "__proto__", "novel", ""),
    fc.oneof(odd, fc.json()),
  )
    .map((change) => {
      const members = new Map(Object.entries(example).map(([key, value]) => [key, JSON.stringify(value)]));
      for (const [key, text] of Object.entries(change)) members.set(key, text);
      const text = [...members].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",");
      return { kind: name, text: `{${text}}` };
    });
});

/** Bytes of an event after a few of them were overwritten, left out or doubled. */
const bentBytes = fc.tuple(bentEvent, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 })).map(
  ([{ kind, text }, changes]) => {
    const bytes = encoder.encode(text);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return { kind, bytes };
  },
);

function recordOf(value: Uint8Array, headers: Record<string, string>) {
  return { partition: 0, offset: 0, key: null, value, headers, received_at: NOW_MS };
}

function checkRecord(value: Uint8Array, headers: Record<string, string>): void {
  const record = recordOf(value, headers);
  const judgement = judge(record);
  const described = describe(sources.of(headers.source), kinds, headers, value);
  strictEqual(described.partition_key === "", false);
  strictEqual(described.rejected, rejectedBy(judgement));
  if (judgement.verdict === "row") {
    strictEqual(described.event_id, judgement.event_id);
    deepStrictEqual(JSON.parse(JSON.stringify(judgement.event.cells)), judgement.event.cells);
    ok(judgement.event.event_time_ms <= NOW_MS + 300_000);
  }
  if (judgement.verdict === "dead_letter") ok(judgement.errors.length > 0);
  const raw = rawRow(record, judgement, judgement.verdict);
  const kept = raw.body_encoding === "utf8"
    ? encoder.encode(String(raw.body))
    : Uint8Array.from(atob(String(raw.body)), (character) => character.charCodeAt(0));
  deepStrictEqual(kept, value);
}

function rejectedBy(judgement: ReturnType<typeof judge>): string | null {
  if (judgement.verdict !== "dead_letter") return null;
  return judgement.reason === "undecodable" || judgement.reason === "too_deep" ? judgement.reason : null;
}

Deno.test("bent events of every kind get one verdict, and the door agrees", () => {
  fc.assert(
    fc.property(bentBytes, ({ kind, bytes }) => checkRecord(bytes, { source: "token", kind })),
    { seed, numRuns: numRuns * 5 },
  );
});

Deno.test("any bytes and any JSON get one verdict from every source", () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => encoder.encode(text)),
    odd.map((text) => encoder.encode(text)),
  );
  const header = fc.constantFrom("webhook-id", "ce-specversion", "ce-type", "ce-id", "kind", "content_type");
  const headers = fc.dictionary(header, fc.constantFrom("1.0", "transaction", "x", "", "event", "%ff"));
  fc.assert(
    fc.property(
      fc.constantFrom("kafka", "token", ...SENDERS.map((one) => one.name)),
      bytes,
      headers,
      (source, value, more) => checkRecord(value, { ...more, source }),
    ),
    { seed, numRuns: numRuns * 5 },
  );
});

Deno.test("the records of an ingest body are its slices, in order, and all that is in it", () => {
  const blank = fc.constantFrom("", " ", "\t", "\r", " \r ");
  const element = fc.oneof(bentEvent.map(({ text }) => text), fc.json(), odd);
  const elements = fc.array(fc.tuple(blank, element, blank), { maxLength: 8 });
  fc.assert(
    fc.property(elements, fc.constantFrom("\n", "\r\n", "\n\n"), kindName, (parts, line_end, name) => {
      const options = { kind: kinds.get(name) ?? null, max_events: 100 };
      const array = encoder.encode(`[${parts.map((part) => part.join("")).join(",")}]`);
      const whole = splitIngest(array, { ...options, format: "json" });
      deepStrictEqual(texts(whole), parts.map(([, text]) => text));
      const lines = encoder.encode(
        parts.map(([before, text]) => before.replace("\r", "") + text).join(line_end),
      );
      const split = splitIngest(lines, { ...options, format: "ndjson" });
      deepStrictEqual(texts(split).map((text) => text.trim()), parts.map(([, text]) => text));
      if (!whole.ok || !split.ok) throw new Error("too many");
      whole.records.forEach((record, at) => {
        const described = describe(sources.of("token"), kinds, { source: "token", kind: name }, record.value);
        strictEqual(record.partition_key, described.partition_key);
        strictEqual(record.event_id, described.event_id);
        strictEqual(record.rejected, described.rejected);
        strictEqual(split.records[at].rejected, described.rejected);
        strictEqual(split.records[at].event_id, described.event_id);
      });
    }),
    { seed, numRuns },
  );
});

Deno.test("any bytes split into slices that do not overlap", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 5 }),
    fc.constantFrom("[", "]", "{", "}", '"', ",", "\n", "1", "\\").map((text) => encoder.encode(text)),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.constantFrom("json" as const, "ndjson" as const), (pieces, format) => {
      const body = new Uint8Array(pieces.flatMap((bytes) => [...bytes]));
      const split = splitIngest(body, { format, kind: null, max_events: 1000 });
      if (!split.ok) throw new Error(split.reason);
      let end = 0;
      for (const { value } of split.records) {
        ok(value.byteOffset >= end && value.byteOffset + value.length <= body.length);
        end = value.byteOffset + value.length;
      }
    }),
    { seed, numRuns: numRuns * 3 },
  );
});

function texts(split: ReturnType<typeof splitIngest>): string[] {
  if (!split.ok) throw new Error(split.reason);
  return split.records.map(({ value }) => new TextDecoder().decode(value));
}
