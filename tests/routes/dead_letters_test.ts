/** Dead letters are listed with their state, and tried again without losing a byte. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { doorCounts } from "../../lib/live/counts.ts";
import { id } from "./alert_rows.ts";
import { type Asked, asked } from "./asked.ts";
import { PARTITIONS } from "./test_app.ts";

function letter(n: number, more: Record<string, unknown> = {}) {
  return {
    dead_letter_id: id(n),
    reason: "schema",
    errors: [{ field: "amount", code: "missing", expected: "amount", actual: null }],
    original: `{"event_id":"e${n}","user_id":"u${n}"}`,
    original_encoding: "utf8",
    source: "shop",
    kind: "transaction",
    log_partition: 1,
    log_offset: n,
    received_at: `2027-01-1${n}T10:00:00.000`,
    attempts: 1,
    ...more,
  };
}

function raw(n: number, more: Record<string, unknown> = {}) {
  return {
    source: "shop",
    kind: "transaction",
    log_partition: 1,
    log_offset: n,
    received_at: `2027-01-1${n}T10:00:00.000`,
    content_type: "application/json",
    headers: new Map([["ce-type", "shop.transaction"]]),
    redacted: false,
    outcome: "dead_letter",
    ...more,
  };
}

async function withLetters(): Promise<Asked> {
  const test = await asked();
  await test.tables.insert("processed.dead_letters", [
    letter(1),
    letter(2, { reason: "undecodable", original: "/w==", original_encoding: "base64", kind: null }),
    letter(3),
  ]);
  await test.tables.insert("raw.events", [
    raw(1),
    raw(2),
    raw(3),
    raw(4, { replay_of: id(3), outcome: "row" }),
    raw(5, { replay_of: id(1), outcome: "dead_letter" }),
  ]);
  return test;
}

Deno.test("dead letters are open until a replay became a row", async () => {
  using test = await withLetters();
  const { body } = await test.get("/api/dead-letters");
  const states = body.items.map((
    item: { dead_letter_id: string; state: string },
  ) => [item.dead_letter_id, item.state]);
  deepEqual(states, [[id(3), "replayed"], [id(2), "open"], [id(1), "open"]]);
  deepEqual(body.items[2].errors, [{ field: "amount", code: "missing", expected: "amount", actual: null }]);
  equal((await test.get("/api/dead-letters?state=open&reason=schema")).body.items.length, 1);
  const first = (await test.get("/api/dead-letters?limit=2")).body;
  const rest = (await test.get(`/api/dead-letters?limit=2&cursor=${first.cursor}`)).body;
  deepEqual(rest.items.map((item: { dead_letter_id: string }) => item.dead_letter_id), [id(1)]);
});

Deno.test("replay appends the original bytes under the letter's name, and passes over what was replayed", async () => {
  using test = await withLetters();
  const { body } = await test.send("POST", "/api/dead-letters/replay", {});
  deepEqual(body, { matched: 3, replayed: 1, skipped: 2 });
  // Its replay failed, and made a letter of its own: it is tried again by name only.
  equal((await test.send("POST", "/api/dead-letters/replay", { ids: [id(1)] })).body.replayed, 1);
  const [second, first] = test.records;
  equal(new TextDecoder().decode(first.value), '{"event_id":"e1","user_id":"u1"}');
  deepEqual(first.headers, {
    "ce-type": "shop.transaction",
    source: "shop",
    kind: "transaction",
    content_type: "application/json",
    replay_of: id(1),
    attempts: "2",
  });
  equal(first.key, "u1");
  deepEqual([...second.value], [255]);
  ok(first.partition < PARTITIONS);
  deepEqual((await test.send("POST", "/api/dead-letters/replay", {})).body, {
    matched: 3,
    replayed: 0,
    skipped: 3,
  });
  test.clock.advance(60_000);
  equal((await test.send("POST", "/api/dead-letters/replay", { ids: [id(1)] })).body.replayed, 1);
});

Deno.test("replay keeps the text of a corrected body that is an object", async () => {
  using test = await withLetters();
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const objects = [
    '{"user_id":"object","__proto__":1}',
    '{"user_id":"u", "amount" : 9007199254740993, "note":1.50, "a":"\\u0041 }\\"", "note":-1E400}',
    `{"user_id":"u","deep":${deep}}`,
  ];
  for (const [i, object] of objects.entries()) {
    const text = ` {"body": {"user_id":1}, "ids" : ["${id(1)}"], "b\\u006fdy": ${object} }\n`;
    const response = await test.app.request("/api/dead-letters/replay", {
      method: "POST",
      body: text,
      headers: { "content-type": "application/json" },
    });
    equal((await response.json()).replayed, 1, object.slice(0, 50));
    equal(new TextDecoder().decode(test.records[i].value), object);
  }
  const list = await test.send("POST", "/api/dead-letters/replay", { ids: [id(1)], body: [{}] });
  deepEqual([list.status, list.body.errors[0].field], [400, "body"]);
});

Deno.test("replay takes a corrected body for one letter, and filters", async () => {
  using test = await withLetters();
  const replay = async (request: unknown) => await test.send("POST", "/api/dead-letters/replay", request);
  deepEqual((await replay({ ids: [id(1)], body: '{"user_id":"fixed"}' })).body.replayed, 1);
  equal(new TextDecoder().decode(test.records[0].value), '{"user_id":"fixed"}');
  equal(test.records[0].key, "fixed");
  // Pressed twice; another correction is another matter.
  const twice = (await replay({ ids: [id(1)], body: '{"user_id":"fixed"}' })).body;
  deepEqual([twice.replayed, twice.skipped], [0, 1]);
  equal((await replay({ ids: [id(1), id(2)], body: "{}" })).status, 400);
  // Other bytes than these would be stored.
  equal((await replay({ ids: [id(1)], body: '{"user_id":"\ud800"}' })).status, 400);
  equal((await replay({ reason: "undecodable", source: "shop" })).body.matched, 1);
  equal(
    (await replay({ from: "2027-01-12T00:00:00Z", to: "2027-01-13T00:00:00Z", source: "none" })).body.matched,
    0,
  );
  const strange = await replay({ nonsense: 1, limit: 5 });
  equal(strange.status, 400);
  deepEqual(strange.body.errors.map((one: { field: string }) => one.field), ["nonsense", "limit"]);
  equal((await replay({ ids: ["x' OR true --"] })).body.matched, 0);
});

Deno.test("a letter is replayed when the replay of its replay became a row, however often it failed before", async () => {
  using test = await asked();
  await test.tables.insert("processed.dead_letters", [
    letter(1),
    letter(2, { replay_of: id(1) }),
    letter(3, { replay_of: id(2) }),
    letter(4),
  ]);
  await test.tables.insert("raw.events", [
    raw(2, { replay_of: id(1) }),
    raw(3, { replay_of: id(2) }),
    raw(5, { replay_of: id(3), outcome: "row" }),
  ]);
  const { items } = (await test.get("/api/dead-letters")).body;
  deepEqual(items.map(({ state }: { state: string }) => state), ["open", "replayed", "replayed", "replayed"]);
  deepEqual((await test.send("POST", "/api/dead-letters/replay", {})).body, {
    matched: 4,
    replayed: 1,
    skipped: 3,
  });
});

Deno.test("two who replay the same letters at once append them once", async () => {
  using test = await withLetters();
  const { log } = test.deps;
  const { append } = log;
  const [asked, stored] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  log.append = async (topic, records) => {
    log.append = append;
    asked.resolve();
    await stored.promise;
    return await append(topic, records);
  };
  const first = test.send("POST", "/api/dead-letters/replay", {});
  await asked.promise;
  const { body } = await test.send("POST", "/api/dead-letters/replay", {});
  stored.resolve();
  deepEqual([body.replayed, (await first).body.replayed], [0, 1]);
});

Deno.test("a replay is counted by source and kind like all that is accepted, and not before it is durable", async () => {
  using test = await withLetters();
  const { metrics, log } = test.deps;
  const counted = () => doorCounts(metrics.merged());
  const { append } = log;
  log.append = () =>
    Promise.reject(new Fault("away", "Cannot append", { blame: "dependency", retry: "never" }));
  equal((await test.send("POST", "/api/dead-letters/replay", {})).status, 503);
  deepEqual(counted(), { sources: {}, kinds: {} });
  log.append = append;
  await test.send("POST", "/api/dead-letters/replay", { ids: [id(1), id(2)] });
  // The second letter names no kind.
  deepEqual(counted(), { sources: { shop: 2 }, kinds: { transaction: 1, other: 1 } });
});

Deno.test("letters refuse by name what no lake could be asked for", async () => {
  using test = await withLetters();
  const cases: [string, string][] = [
    ["from", "2027-02-30"],
    ["from", "2027-02-29T10:00:00Z"],
    ["to", "9999-12-31T23:59:59-23:59"],
    ["to", "0000-01-01T00:00:00+00:01"],
    ["reason", "a\0b"],
    ["source", "\0"],
  ];
  for (const [name, value] of cases) {
    const listed = await test.get(`/api/dead-letters?${name}=${encodeURIComponent(value)}`);
    deepEqual([listed.status, listed.body.errors?.[0].field], [400, name], value);
    const replayed = await test.send("POST", "/api/dead-letters/replay", { [name]: value });
    deepEqual([replayed.status, replayed.body.errors?.[0].field], [400, name], value);
  }
  const { status, body } = await test.send("POST", "/api/dead-letters/replay", { ids: ["x", "\ud800"] });
  deepEqual([status, body.errors[0].field], [400, "ids.1"]);
  for (const time of ["2028-02-29", "9999-12-31T23:59:59.999Z", "0000-01-01"]) {
    equal((await test.get(`/api/dead-letters?from=${time}`)).status, 200, time);
  }
});
