/** What each sender's bodies mean, seen through the judge: the row's cells, the faults, or the type that no mapping names. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { createJudge } from "../../lib/event/judge.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { createSources } from "../../lib/source/sources.ts";

const NOW_MS = Date.UTC(2026, 0, 31, 9, 30);
const { judge } = createJudge({ kinds: kindsOf(), sources: createSources() });

function judged(source: string, body: unknown, headers: Record<string, string> = {}) {
  return judge({
    partition: 0,
    offset: 0,
    key: null,
    value: new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body)),
    headers: { source, ...headers },
    received_at: NOW_MS,
  });
}

/** The cells asked for, or what kept the body from becoming a row. */
function told(source: string, body: unknown, columns: readonly string[], headers?: Record<string, string>) {
  const judgement = judged(source, body, headers);
  switch (judgement.verdict) {
    case "unmapped":
      return ["unmapped", judgement.kind, judgement.event_id];
    case "dead_letter":
      return [judgement.reason, ...judgement.errors.map(({ field, code }) => `${field} ${code}`)];
    case "row":
      return [judgement.kind, judgement.event_id, ...columns.map((name) => judgement.event.cells[name])];
  }
}

const PAYMENT = { id: "pi_1", amount: 1050, currency: "eur", customer: "cus_1", status: "succeeded" };

function stripe(type: string, change: Record<string, unknown> = {}, outer: Record<string, unknown> = {}) {
  const body = {
    id: "evt_1",
    type,
    created: NOW_MS / 1000 - 1,
    data: { object: { ...PAYMENT, ...change } },
    ...outer,
  };
  return told("stripe", body, [
    "user_id",
    "transaction_id",
    "status",
    "amount",
    "currency",
    "transaction_type",
  ]);
}

Deno.test("stripe payments become transactions in major units of their own currency", () => {
  const row = (...cells: unknown[]) => ["transaction", "evt_1", ...cells];
  const type = "payment_intent.succeeded";
  deepStrictEqual(stripe(type), row("cus_1", "pi_1", "completed", "10.5000", "EUR", null));
  deepStrictEqual(
    stripe(type, { currency: "JPY" }),
    row("cus_1", "pi_1", "completed", "1050.0000", "JPY", null),
  );
  deepStrictEqual(
    stripe(type, { currency: "kwd" }),
    row("cus_1", "pi_1", "completed", "1.0500", "KWD", null),
  );
  deepStrictEqual(stripe(type, { customer: null }), row("pi_1", "pi_1", "completed", "10.5000", "EUR", null));
  deepStrictEqual(
    stripe(type, { customer: { id: "cus_9" } }),
    row("cus_9", "pi_1", "completed", "10.5000", "EUR", null),
  );
  deepStrictEqual(stripe("payment_intent.payment_failed").slice(4, 5), ["failed"]);
  deepStrictEqual(stripe("payment_intent.canceled").slice(4, 5), ["reversed"]);
});

Deno.test("stripe charges count only without a payment intent", () => {
  deepStrictEqual(stripe("charge.succeeded", { id: "ch_1" }).slice(0, 5), [
    "transaction",
    "evt_1",
    "cus_1",
    "ch_1",
    "completed",
  ]);
  deepStrictEqual(stripe("charge.failed", { id: "ch_1", payment_intent: null }).slice(4, 5), ["failed"]);
  deepStrictEqual(stripe("charge.succeeded", { payment_intent: "pi_1" }), [
    "unmapped",
    "charge.succeeded",
    "evt_1",
  ]);
  deepStrictEqual(stripe("charge.updated"), ["unmapped", "charge.updated", "evt_1"]);
});

Deno.test("stripe refunds are negative and carry the payment's id", () => {
  const refund = { id: "re_1", payment_intent: "pi_1", customer: undefined };
  deepStrictEqual(
    stripe("refund.created", refund),
    ["transaction", "evt_1", "pi_1", "pi_1", "refunded", "-10.5000", "EUR", "refund"],
  );
  deepStrictEqual(stripe("refund.created", { id: "re_1", charge: "ch_1", customer: undefined }).slice(2, 4), [
    "ch_1",
    "ch_1",
  ]);
  deepStrictEqual(stripe("refund.updated"), ["unmapped", "refund.updated", "evt_1"]);
});

Deno.test("stripe's other payment intents are statuses", () => {
  const body = {
    id: "evt_1",
    type: "payment_intent.processing",
    created: NOW_MS / 1000,
    data: {
      object: { ...PAYMENT, status: "processing" },
      previous_attributes: { status: "requires_action" },
    },
  };
  deepStrictEqual(
    told("stripe", body, ["transaction_id", "status", "previous_status", "user_id"]),
    ["transaction_status", "evt_1", "pi_1", "processing", "requires_action", "cus_1"],
  );
});

Deno.test("stripe bodies without what is needed name every missing field", () => {
  const type = "payment_intent.succeeded";
  deepStrictEqual(stripe(type, { amount: undefined }), ["schema", "amount missing"]);
  deepStrictEqual(stripe(type, { amount: "1050" }), ["schema", "amount invalid_type"]);
  deepStrictEqual(stripe(type, { amount: 10.5 }), ["schema", "amount invalid_type"]);
  deepStrictEqual(stripe(type, { amount: 0 }), ["schema", "amount out_of_range"]);
  deepStrictEqual(stripe(type, { amount: 2 ** 53 }).slice(5, 6), ["90071992547409.9200"]);
  deepStrictEqual(stripe(type, { amount: 1e16 }), ["schema", "amount out_of_range"]);
  deepStrictEqual(stripe(type, {}, { data: { object: null } }), ["schema", "data.object missing"]);
  deepStrictEqual(stripe(type, { currency: "DEM" }), ["schema", "currency invalid_enum"]);
  deepStrictEqual(stripe(type, { id: undefined, customer: undefined }), ["schema", "user_id missing"]);
  deepStrictEqual(stripe(type, {}, { created: undefined, id: undefined }), [
    "schema",
    "event_id missing",
    "timestamp missing",
  ]);
  deepStrictEqual(stripe(type, {}, { created: "now" }), ["schema", "timestamp invalid_type"]);
  deepStrictEqual(stripe(type, {}, { data: {} }), ["schema", "data.object missing"]);
  deepStrictEqual(stripe(type, {}, { data: { object: "x" } }), ["schema", "data.object invalid_type"]);
  deepStrictEqual(told("stripe", { id: "evt_1" }, []), ["schema", "type missing"]);
  deepStrictEqual(told("stripe", { id: "evt_1", type: 5 }, []), ["schema", "type invalid_type"]);
  deepStrictEqual(told("stripe", "[]", []), ["schema", " invalid_type"]);
  deepStrictEqual(told("stripe", "no JSON", []), ["undecodable", " undecodable"]);
  const body = JSON.stringify({ id: "e", type, created: 1, data: { object: PAYMENT } });
  const huge = (amount: string) => told("stripe", body.replace("1050", amount), ["amount"]);
  deepStrictEqual(huge("9007199254740993"), ["transaction", "e", "90071992547409.9300"]);
  deepStrictEqual(huge("99999999999999999999"), ["schema", "amount out_of_range"]);
  deepStrictEqual(huge("1e400"), ["schema", "amount out_of_range"]);
  for (const created of ["99999999999999999999", "1e400"]) {
    const text = body.replace('"created":1', `"created":${created}`);
    deepStrictEqual(told("stripe", text, []), ["schema", "timestamp out_of_range"], created);
  }
});

Deno.test("stripe's whole numbers are whole however they are written", () => {
  const object = { ...PAYMENT, currency: "kwd", amount: 1, customer: undefined };
  const body = JSON.stringify({ id: "e", type: "refund.created", created: 1, data: { object } });
  const tell = (amount: string, created: string) => {
    const text = body.replace('"amount":1', `"amount":${amount}`).replace(
      '"created":1',
      `"created":${created}`,
    );
    const judgement = judged("stripe", text);
    if (judgement.verdict !== "row") return judgement;
    return [judgement.event.cells.amount, judgement.event.event_time_ms];
  };
  const time_ms = 1_700_000_000_000;
  deepStrictEqual(tell("1000000000000000.0", "1700000000.0000000000"), ["-1000000000000.0000", time_ms]);
  deepStrictEqual(tell("-100.00000000000000000", "17e8"), ["0.1000", time_ms]);
  deepStrictEqual(tell("100000000000000000e-15", "17000000000000000000e-10"), ["-0.1000", time_ms]);
});

function revolut(change: Record<string, unknown>, outer: Record<string, unknown> = {}) {
  const data = {
    id: "tr_1",
    state: "completed",
    type: "card_payment",
    legs: [{ account_id: "a1", amount: -1.5, currency: "GBP" }],
  };
  return {
    event: "TransactionCreated",
    timestamp: "2026-01-31T09:29:00Z",
    data: { ...data, ...change },
    ...outer,
  };
}

Deno.test("revolut transactions take their first leg and their state", () => {
  const columns = ["user_id", "transaction_id", "status", "amount", "currency", "transaction_type"];
  const tell = (body: unknown) => told("revolut", body, columns);
  deepStrictEqual(tell(revolut({})).slice(2), ["a1", "tr_1", "completed", "-1.5000", "GBP", "purchase"]);
  deepStrictEqual(tell(revolut({ state: "created", type: "new" })).slice(4, 5), ["pending"]);
  deepStrictEqual(tell(revolut({ state: "reverted" })).slice(4, 5), ["reversed"]);
  deepStrictEqual(tell(revolut({ state: "odd" })), ["schema", "status invalid_enum"]);
  deepStrictEqual(tell(revolut({ legs: [] })).slice(0, 2), ["schema", "data.legs invalid_type"]);
  deepStrictEqual(tell(revolut({}, { data: null })), ["schema", "data missing"]);
  deepStrictEqual(tell({ event: "" }), ["schema", "event missing"]);
  strictEqual(tell({ event: "PayoutLinkCreated" })[1], "PayoutLinkCreated");
});

Deno.test("revolut's id is the hash of the body, so a retry is the same event", () => {
  const id = (body: unknown) => told("revolut", body, [])[1];
  strictEqual(id(revolut({})), id(revolut({})));
  strictEqual(String(id(revolut({}))).length, 64);
  strictEqual(id(revolut({})) === id(revolut({ id: "tr_2" })), false);
});

Deno.test("revolut state changes are statuses", () => {
  const body = {
    event: "TransactionStateChanged",
    timestamp: "2026-01-31T09:29:00Z",
    data: { id: "tr_1", old_state: "pending", new_state: "completed" },
  };
  const row = told("revolut", body, ["transaction_id", "status", "previous_status"]);
  deepStrictEqual([row[0], ...row.slice(2)], ["transaction_status", "tr_1", "completed", "pending"]);
});

Deno.test("every sender's fault of what is not there, or is something else, says what stands in its place", () => {
  const type = "payment_intent.succeeded";
  const cases: [string, string, string, (value: unknown) => unknown][] = [
    [
      "stripe",
      "data.object",
      "object",
      (value) => ({ id: "evt_1", type, created: 1, data: { object: value } }),
    ],
    ["revolut", "data", "object", (value) => revolut({}, { data: value })],
    ["revolut", "data.legs", "array with one leg at least", (value) => revolut({ legs: value })],
    ["standard_webhooks", "data", "object", (value) => ({ type: "shop.transaction", data: value })],
  ];
  for (const [source, field, expected, body] of cases) {
    const fault = (value: unknown) => {
      const judgement = judged(source, body(value));
      return judgement.verdict === "dead_letter" ? judgement.errors[0] : null;
    };
    deepStrictEqual(fault("x"), { field, code: "invalid_type", expected, actual: "string" }, source);
    deepStrictEqual(fault(5), { field, code: "invalid_type", expected, actual: "integer" }, source);
    for (const none of [null, undefined]) {
      deepStrictEqual(fault(none), { field, code: "missing", expected }, source);
    }
  }
});

Deno.test("github and shopify bodies are kept unmapped under the hash of their bytes", () => {
  const hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
  deepStrictEqual(told("github", "{}", [], { "x-github-event": "push" }), ["unmapped", "push", hash]);
  deepStrictEqual(told("github", "{}", []), ["unmapped", null, hash]);
  deepStrictEqual(told("shopify", "{}", [], { "x-shopify-topic": "orders/paid" }), [
    "unmapped",
    "orders/paid",
    hash,
  ]);
  deepStrictEqual(told("github", "5", []), ["schema", " invalid_type"]);
  deepStrictEqual(told("shopify", "Hello", []), ["undecodable", " undecodable"]);
});

const READING = { device_id: "d1", metric: "t", value: 1 };

Deno.test("standard webhooks carry an event in data, and fill its id and time", () => {
  const id = { "webhook-id": "msg_1" };
  const tell = (body: unknown, headers: Record<string, string> = id) =>
    told("standard_webhooks", body, ["device_id"], headers);
  const timestamp = "2026-01-31T09:29:00Z";
  deepStrictEqual(tell({ type: "sensor_reading", timestamp, data: READING }), [
    "sensor_reading",
    "msg_1",
    "d1",
  ]);
  deepStrictEqual(
    tell({ type: "acme.v1.sensor_reading", timestamp, data: { ...READING, event_id: "e9" } })[1],
    "e9",
  );
  deepStrictEqual(
    tell({ type: "sensor_reading", timestamp, data: READING }, { "svix-id": "msg_2" })[1],
    "msg_2",
  );
  deepStrictEqual(tell({ type: "sensor_reading", data: READING }), ["schema", "timestamp missing"]);
  deepStrictEqual(tell({ type: "sensor_reading", timestamp }), ["schema", "data missing"]);
  deepStrictEqual(tell({ type: "sensor_reading", timestamp, data: [] }), ["schema", "data invalid_type"]);
  deepStrictEqual(tell({ type: "my_sensor_reading", timestamp, data: READING }), [
    "unmapped",
    "my_sensor_reading",
    "msg_1",
  ]);
  deepStrictEqual(tell({ type: "x.transaction_status", timestamp, data: {} })[0], "schema");
  deepStrictEqual(tell({ timestamp, data: READING }), ["schema", "type missing"]);
});

Deno.test("cloud events are read in the structured and in the binary mode", () => {
  const time = "2026-01-31T09:29:00Z";
  const event = {
    specversion: "1.0",
    id: "ce_1",
    source: "/s",
    type: "com.acme.sensor_reading",
    time,
    data: READING,
  };
  const structured = { content_type: "application/cloudevents+json; charset=utf-8" };
  const tell = (body: unknown, headers: Record<string, string> = structured) =>
    told("cloud_events", body, ["device_id", "extra"], headers);
  deepStrictEqual(tell(event), ["sensor_reading", "ce_1", "d1", null]);
  deepStrictEqual(
    tell({ ...event, data: undefined, data_base64: btoa(JSON.stringify(READING)) }).slice(0, 3),
    ["sensor_reading", "ce_1", "d1"],
  );
  deepStrictEqual(tell({ ...event, data: "<x/>" }), ["schema", "data invalid_type"]);
  deepStrictEqual(tell({ ...event, type: "com.acme.order" }), ["unmapped", "com.acme.order", "ce_1"]);
  deepStrictEqual(tell({ ...event, specversion: "0.3" }), ["schema", "specversion invalid_enum"]);
  deepStrictEqual(tell({ ...event, specversion: undefined }), ["schema", "specversion missing"]);
  deepStrictEqual(tell({ ...event, type: undefined }), ["schema", "type missing"]);
  deepStrictEqual(tell({ ...event, id: undefined }), ["schema", "event_id missing"]);
  const binary = {
    "ce-specversion": "1.0",
    "ce-id": "ce%202",
    "ce-source": "/s",
    "ce-type": "sensor_reading",
    "ce-time": time,
  };
  deepStrictEqual(tell(READING, { content_type: "application/json", ...binary }), [
    "sensor_reading",
    "ce 2",
    "d1",
    null,
  ]);
  deepStrictEqual(tell(READING, { ...binary, "ce-id": "100%" })[1], "100%");
  deepStrictEqual(tell(READING, { ...binary, "ce-id": '"a \\"b\\" %2522"' })[1], 'a "b" %22');
  deepStrictEqual(tell(READING, { ...binary, "ce-id": 'a"b"' })[1], 'a"b"');
});

Deno.test("a mapped copy that differs only outside its row is the same content", () => {
  const content = (body: unknown) => {
    const judgement = judged("revolut", body);
    return judgement.verdict === "row" ? judgement.content : judgement.verdict;
  };
  // Revolut's id is the body's hash, so there the rows differ; Stripe's is its own.
  strictEqual(content(revolut({})), content(revolut({})));
  const stripeContent = (change: Record<string, unknown>) => {
    const body = {
      id: "evt_1",
      type: "payment_intent.succeeded",
      created: 1,
      data: { object: PAYMENT },
      ...change,
    };
    const judgement = judged("stripe", body);
    return judgement.verdict === "row" ? judgement.content : judgement.verdict;
  };
  strictEqual(stripeContent({}), stripeContent({ pending_webhooks: 3, api_version: "x" }));
  strictEqual(stripeContent({}) === stripeContent({ created: 2 }), false);
});
