import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { allowedOrigin, splitCloudEvents } from "../../lib/source/cloud_events.ts";

function split(headers: Record<string, string>, body: string, max_events = 10) {
  const result = splitCloudEvents(new Headers(headers), new TextEncoder().encode(body), max_events);
  return result.ok
    ? result.records.map((record) => [new TextDecoder().decode(record.value), record.headers])
    : result.reason;
}

const STRUCTURED = { content_type: "application/cloudevents+json" };

Deno.test("splitCloudEvents keeps a structured event whole", () => {
  const headers = { "content-type": "application/cloudevents+json; charset=UTF-8" };
  deepStrictEqual(split(headers, ' {"id":1} '), [[' {"id":1} ', STRUCTURED]]);
  deepStrictEqual(split(headers, ""), []);
});

Deno.test("splitCloudEvents takes a batch apart by element", () => {
  const headers = { "content-type": "application/cloudevents-batch+json" };
  deepStrictEqual(split(headers, '[{"id":"1"}, {"id":"2"}]'), [['{"id":"1"}', STRUCTURED], [
    '{"id":"2"}',
    STRUCTURED,
  ]]);
  deepStrictEqual(split(headers, "[]"), []);
  deepStrictEqual(split(headers, "[1,"), [["[1,", STRUCTURED]]);
  strictEqual(split(headers, "[1,2,3]", 2), "too_many");
});

Deno.test("splitCloudEvents keeps the attributes of a binary event, and no other header", () => {
  const headers = {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-bad_name": "x",
    authorization: "Bearer x",
  };
  deepStrictEqual(split(headers, "{}"), [
    ["{}", { content_type: "application/json", "ce-specversion": "1.0", "ce-id": "1" }],
  ]);
  strictEqual(split({ "content-type": "application/json" }, "{}"), "unsupported");
});

Deno.test("allowedOrigin allows what is listed", () => {
  strictEqual(allowedOrigin(["a.example"], "a.example"), "a.example");
  strictEqual(allowedOrigin(["*"], "b.example"), "b.example");
  strictEqual(allowedOrigin(["a.example"], "b.example"), null);
  strictEqual(allowedOrigin([], "a.example"), null);
  strictEqual(allowedOrigin(["*"], null), null);
});
