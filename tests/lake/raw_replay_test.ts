/** Unmapped records are appended once more when a kind knows them by now, once each, and only then. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { createJudge } from "../../lib/event/judge.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { readKindsFile } from "../../lib/event/kinds_file.ts";
import { type RawReplayContext, replayRaw } from "../../lib/lake/raw_replay.ts";
import type { NewRecord } from "../../lib/log/log.ts";
import { createSources } from "../../lib/source/sources.ts";
import { testTables } from "../routes/test_tables.ts";

const KINDS = kindsOf(readKindsFile(`
kinds:
  - name: order
    doc: An order.
    partition: [who]
    fields:
      - {name: who, type: id, doc: Who.}
`));
const NOW = Date.parse("2026-03-02T00:00:00Z");

function raw(offset: number, more: Record<string, unknown> = {}) {
  return {
    source: "shop",
    kind: "event",
    log_partition: offset % 2,
    log_offset: offset,
    received_at: `2026-03-01T10:00:0${offset % 10}.000`,
    content_type: "application/json",
    headers: new Map([["ce-id", `e${offset}`]]),
    body: `{"event_id":"e${offset}","timestamp":"2026-03-01T10:00:00Z","who":"w","n":12345678901234567890}`,
    body_encoding: "utf8",
    sha256: "0".repeat(64),
    redacted: false,
    outcome: "unmapped",
    ...more,
  };
}

async function withRaw(rows: Record<string, unknown>[], use: (trial: Trial) => Promise<void>) {
  using tables = await testTables();
  await tables.insert("raw.events", rows);
  const appended: NewRecord[] = [];
  const sources = createSources({ file: null, kinds: KINDS, redact_key: null });
  const context: RawReplayContext = {
    ask: async (sql, limit) => (await tables.query.run({ sql, limit })).rows,
    append: (records) => Promise.resolve(appended.push(...records)),
    judge: createJudge({ kinds: KINDS, sources }),
    kinds: KINDS,
    sources,
    partitions: 4,
    now: () => NOW,
    progress: () => undefined,
  };
  await use({ context, appended });
}

interface Trial {
  context: RawReplayContext;
  appended: NewRecord[];
}

Deno.test("`replayRaw` appends the bytes under the place they came from, as the kind that is told", () =>
  withRaw(
    [
      raw(1),
      raw(2, { body: `{"event_id":"e2"}` }),
      raw(3, { outcome: "row" }),
      raw(4),
      raw(5, { outcome: "dead_letter", replay_of: "0/4" }),
    ],
    async ({ context, appended }) => {
      const none = await replayRaw(context, {});
      deepStrictEqual(none, { matched: 3, replayed: 0, left: 2, skipped: 1 });
      const dry = await replayRaw(context, { kind: "order" }, { dry_run: true });
      deepStrictEqual([dry.replayed, appended.length], [1, 0]);
      const done = await replayRaw(context, { kind: "order" });
      deepStrictEqual(done, { matched: 3, replayed: 1, left: 1, skipped: 1 });
      const [record] = appended;
      strictEqual(new TextDecoder().decode(record.value), raw(1).body);
      deepStrictEqual(record.headers, {
        "ce-id": "e1",
        source: "shop",
        kind: "order",
        content_type: "application/json",
        replay_of: "1/1",
      });
      deepStrictEqual([record.key, record.received_at], ["w", NOW]);
    },
  ));

Deno.test("`replayRaw` knows a sender's own type again, and keeps to the time and source that are told", () =>
  withRaw(
    [
      raw(1, { source: "standard_webhooks", kind: "shop.order", body: envelope(1) }),
      raw(2, { source: "standard_webhooks", kind: "shop.other", body: envelope(2, "shop.other") }),
      raw(3, { source: "standard_webhooks", kind: "shop.order", body: envelope(3) }),
    ],
    async ({ context, appended }) => {
      const from = Date.parse("2026-03-01T10:00:02Z");
      deepStrictEqual(await replayRaw(context, { from }), { matched: 2, replayed: 1, left: 1, skipped: 0 });
      strictEqual(appended[0].headers.replay_of, "1/3");
      strictEqual((await replayRaw(context, { to: from })).replayed, 1);
      strictEqual((await replayRaw(context, { source: "stripe" })).matched, 0);
      strictEqual((await replayRaw(context, { kind: "transaction" })).replayed, 2);
    },
  ));

Deno.test("`replayRaw` walks through more than it asks for at once, equal times included", () =>
  withRaw(
    Array.from({ length: 1_010 }, (_, i) => raw(i, { received_at: "2026-03-01T10:00:00.000" })),
    async ({ context, appended }) => {
      const done = await replayRaw(context, { kind: "order" });
      strictEqual(done.replayed, 1_010);
      strictEqual(new Set(appended.map((one) => one.headers.replay_of)).size, 1_010);
    },
  ));

function envelope(n: number, type = "shop.order"): string {
  return JSON.stringify({ type, timestamp: "2026-03-01T10:00:00Z", data: { event_id: `e${n}`, who: "w" } });
}
