import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { createJudge } from "../../lib/event/judge.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import { createSources } from "../../lib/source/sources.ts";

const RECEIVED_AT = Date.UTC(2026, 0, 31, 9, 30, 10);
const { judge } = createJudge({ kinds: kindsOf(), sources: createSources() });

function record(body: string | Uint8Array | null, headers: Record<string, string> = {}): LogRecord {
  return {
    partition: 0,
    offset: 7,
    key: null,
    value: typeof body === "string" ? new TextEncoder().encode(body) : body,
    headers: { source: "token", kind: "transaction", ...headers },
    received_at: RECEIVED_AT,
  };
}

const TRANSACTION = {
  event_id: "e1",
  timestamp: "2026-01-31T09:30:00.123456Z",
  user_id: "u1",
  amount: "12.3",
  currency: "eur",
  status: "completed",
};

function judged(change: Record<string, unknown>, headers?: Record<string, string>) {
  return judge(record(JSON.stringify({ ...TRANSACTION, ...change }), headers));
}

function faultsOf(change: Record<string, unknown>) {
  const judgement = judged(change);
  return judgement.verdict === "dead_letter"
    ? judgement.errors.map(({ field, code }) => `${field} ${code}`)
    : [judgement.verdict];
}

Deno.test("judge makes a transaction's row in normal form", () => {
  const judgement = judged({ lat: 0, novel: { a: 1 } });
  if (judgement.verdict !== "row") throw new Error(JSON.stringify(judgement));
  const { event } = judgement;
  strictEqual(event.event_time_ms, Date.UTC(2026, 0, 31, 9, 30, 0, 123));
  strictEqual(event.event_time_sub_us, 456);
  strictEqual(event.cells.amount, "12.3000");
  strictEqual(event.cells.currency, "EUR");
  strictEqual(event.cells.lat, 0);
  strictEqual(event.cells.lon, null);
  strictEqual(event.cells.extra, '{"novel":{"a":1}}');
  strictEqual(judgement.content.length, 64);
});

Deno.test("judge names every failing field", () => {
  deepStrictEqual(
    faultsOf({ event_id: "", timestamp: "yesterday", user_id: 5, amount: 0, currency: "DEM", status: null }),
    [
      "event_id invalid_format",
      "timestamp invalid_format",
      "user_id invalid_type",
      "amount out_of_range",
      "currency invalid_enum",
      "status missing",
    ],
  );
});

Deno.test("judge decides in order: bytes, kind, schema, future", () => {
  const reason = (body: string | Uint8Array | null, headers?: Record<string, string>) => {
    const judgement = judge(record(body, headers));
    return judgement.verdict === "dead_letter" ? judgement.reason : judgement.verdict;
  };
  strictEqual(reason(null), "undecodable");
  strictEqual(reason(""), "undecodable");
  strictEqual(reason("{"), "undecodable");
  strictEqual(reason("\ufeff{}"), "undecodable");
  strictEqual(reason(new Uint8Array([0x22, 0xff, 0x22])), "undecodable");
  strictEqual(reason('{"a":"\\ud800"}'), "undecodable");
  strictEqual(reason("[".repeat(65) + "]".repeat(65)), "too_deep");
  strictEqual(reason("[".repeat(64) + "]".repeat(64)), "schema");
  strictEqual(reason("{}", { kind: "gone" }), "unknown_kind");
  strictEqual(reason("{}", { kind: "event" }), "unmapped");
  strictEqual(reason("5"), "schema");
  const ahead = (ms: number) => judged({ timestamp: RECEIVED_AT + 300_000 + ms });
  strictEqual(ahead(0).verdict, "row");
  strictEqual(judged({ timestamp: "2026-01-31T09:35:10.000000Z" }).verdict, "row");
  strictEqual(judged({ timestamp: "2026-01-31T09:35:10.000001Z" }).verdict, "dead_letter");
  const future = ahead(1);
  strictEqual(future.verdict === "dead_letter" && future.reason, "future_timestamp");
});

Deno.test("judge lets a user_id win over an account_id", () => {
  const cells = (change: Record<string, unknown>) => {
    const judgement = judged(change);
    return judgement.verdict === "row"
      ? [judgement.event.cells.user_id, judgement.event.cells.extra]
      : judgement;
  };
  deepStrictEqual(cells({ user_id: undefined, account_id: "a" }), ["a", null]);
  deepStrictEqual(cells({ user_id: "u", account_id: "a" }), ["u", '{"account_id":"a"}']);
  deepStrictEqual(faultsOf({ user_id: null }), ["user_id missing"]);
});

Deno.test("judge gives a Stripe payment its row, equal for a retry that differs in pending_webhooks", () => {
  const body = (pending_webhooks: number) =>
    JSON.stringify({
      id: "evt_1",
      type: "payment_intent.succeeded",
      created: RECEIVED_AT / 1000 - 1,
      pending_webhooks,
      data: { object: { id: "pi_1", amount: 1050, currency: "jpy", customer: "cus_1" } },
    });
  const first = judge(record(body(1), { source: "stripe" }));
  const second = judge(record(body(2), { source: "stripe" }));
  if (first.verdict !== "row" || second.verdict !== "row") throw new Error(JSON.stringify(first));
  strictEqual(first.event.cells.amount, "1050.0000");
  strictEqual(first.event.cells.user_id, "cus_1");
  strictEqual(first.content, second.content);
});
