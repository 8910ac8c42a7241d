/** Tables, their files and the catalog, over real Iceberg metadata. */
import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import fc from "fast-check";
import type { LoadedTable } from "../../lib/iceberg/catalog.ts";
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import type { SchemaChange } from "../../lib/iceberg/schema.ts";
import { evolveSchema } from "../../lib/iceberg/update.ts";
import { readRange } from "../../routes/files.ts";
import { testApp } from "./test_app.ts";
import { FILE_BYTES, fileBytes, NAME, testLake } from "./test_lake.ts";

const TIER: SchemaChange = { change: "add", column: { name: "tier", type: "int" } };

async function served() {
  const lake = await testLake();
  const { app } = testApp({}, { lake: lake.parts, clock: lake.clock });
  const json = async (path: string) => await (await app.request(path)).json();
  return { ...lake, app, json };
}

Deno.test("tables lists tables with their sums and views with their text", async () => {
  const { json } = await served();
  const { items, cursor } = await json("/api/tables");
  equal(cursor, null);
  deepEqual(items.map((item: { name: string; kind: string }) => [item.name, item.kind]), [
    ["analytics.user_minute", "view"],
    ["processed.transactions", "table"],
  ]);
  const { rows, files, bytes, metadata_location } = items[1];
  deepEqual({ rows, files, bytes }, { rows: 6, files: 2, bytes: 2 * FILE_BYTES });
  match(metadata_location, /^s3:\/\/memory\/lake\/processed\/transactions\/metadata\/v3\.metadata\.json$/);
  equal(items[0].sql, "SELECT 1 AS n");
});

Deno.test("tables go on where the cursor says", async () => {
  const { json } = await served();
  const first = await json("/api/tables?limit=1");
  equal(first.items.length, 1);
  const second = await json(`/api/tables?limit=1&cursor=${first.cursor}`);
  equal(second.items[0].name, "processed.transactions");
  equal(second.cursor, null);
});

Deno.test("a table tells its schema, with and without its stage", async () => {
  const { json } = await served();
  const whole = await json("/api/tables/processed.transactions");
  deepEqual(whole.schema.fields.map((field: { name: string }) => field.name), [
    "user_id",
    "event_time",
    "amount",
  ]);
  deepEqual(await json("/api/tables/transactions"), whole);
});

Deno.test("snapshots come newest first", async () => {
  const { json } = await served();
  const { items } = await json("/api/tables/transactions/snapshots");
  deepEqual(items.map((item: { rows: number }) => item.rows), [6, 3]);
  deepEqual(Object.keys(items[0]).slice(0, 4), [
    "snapshot_id",
    "parent_snapshot_id",
    "committed_at",
    "operation",
  ]);
  const first = await json("/api/tables/transactions/snapshots?limit=1");
  const second = await json(`/api/tables/transactions/snapshots?limit=1&cursor=${first.cursor}`);
  deepEqual([...first.items, ...second.items], items);
});

Deno.test("files are those of the snapshot, by id or by time, with bounds by column", async () => {
  const { json } = await served();
  const now = await json("/api/tables/transactions/files");
  equal(now.files.length, 2);
  const { url, size_bytes, rows, min, max } = now.files[0];
  match(url, /^\/lake\/processed\/transactions\/data\/.*\.parquet$/);
  deepEqual({ size_bytes, rows }, { size_bytes: FILE_BYTES, rows: 3 });
  deepEqual(min, { user_id: "user_1", event_time: "2026-01-31T09:30:00.123456Z", amount: "-12.3400" });
  equal(max.amount, "99.0000");
  const { items } = await json("/api/tables/transactions/snapshots");
  const older = await json(`/api/tables/transactions/files?snapshot=${items[1].snapshot_id}`);
  equal(older.files.length, 1);
  equal(older.snapshot_id, items[1].snapshot_id);
  deepEqual(await json(`/api/tables/transactions/files?as_of=${items[1].committed_at}`), older);
  deepEqual((await json("/api/tables/transactions/files?as_of=2001-01-01T00:00:00Z")).files, []);
});

Deno.test("files have the columns of now, of a moment those of then", async () => {
  const { json, parts } = await served();
  const plan = ({ metadata }: LoadedTable) => ({ metadata: evolveSchema(metadata, [TIER], 0) });
  await commitUpdate({ ...parts, name: NAME, plan });
  const names = async (query: string) => {
    const { schema } = await json(`/api/tables/transactions/files${query}`);
    return schema.map(({ name }: { name: string }) => name);
  };
  const { committed_at } = await json("/api/tables/transactions");
  const then = await names(`?as_of=${committed_at}`);
  deepEqual(await names(""), [...then, "tier"]);
});

Deno.test("tables answers 404 for what is not there and 400 for what is no name", async () => {
  const { app } = await served();
  const statusOf = async (path: string) => (await app.request(path)).status;
  for (const name of ["nope", "processed.nope", "analytics.user_minute/files"]) {
    equal(await statusOf(`/api/tables/${name}`), 404, name);
  }
  // The lake is being made: what a view reads is not there yet, so it is not listed either.
  equal(await statusOf("/api/tables/analytics.early"), 404);
  equal(await statusOf("/api/tables/..%2f..%2fetc"), 400);
  equal(await statusOf("/api/tables/transactions/files?snapshot=1"), 404);
  equal(await statusOf("/api/tables/transactions/files?snapshot=x"), 400);
  equal(await statusOf("/api/tables/transactions/files?as_of=yesterday"), 400);
  const both = await app.request("/api/tables/transactions/files?snapshot=1&as_of=2026-01-31");
  deepEqual([both.status, (await both.json()).errors[0].field], [400, "snapshot"]);
  equal(await statusOf("/api/tables?cursor=nonsense"), 400);
  equal(await statusOf("/api/tables?limit=0"), 400);
});

Deno.test("lake gives a file whole, and by one range", async () => {
  const { app, names } = await served();
  const path = `/lake/${names[0]}`;
  const whole = await app.request(path);
  equal(whole.status, 200);
  equal(whole.headers.get("content-length"), String(FILE_BYTES));
  deepEqual(new Uint8Array(await whole.arrayBuffer()), fileBytes());
  for (
    const [range, from, to] of [["0-9", 0, 10], ["300000-699999", 300_000, 700_000], [
      "-8",
      -8,
      undefined,
    ]] as const
  ) {
    const part = await app.request(path, { headers: { range: `bytes=${range}` } });
    equal(part.status, 206);
    const expected = fileBytes().slice(from, to);
    equal(part.headers.get("content-length"), String(expected.length));
    const start = from < 0 ? FILE_BYTES + from : from;
    equal(part.headers.get("content-range"), `bytes ${start}-${start + expected.length - 1}/${FILE_BYTES}`);
    deepEqual(new Uint8Array(await part.arrayBuffer()), expected);
  }
});

Deno.test("lake answers 416, 304 and a stale If-Range as HTTP asks", async () => {
  const { app, names } = await served();
  const get = async (headers: Record<string, string>) => await app.request(`/lake/${names[0]}`, { headers });
  const outside = await get({ range: `bytes=${FILE_BYTES}-` });
  equal(outside.status, 416);
  equal(outside.headers.get("content-range"), `bytes */${FILE_BYTES}`);
  const etag = (await get({ range: "bytes=0-0" })).headers.get("etag") ?? "";
  match(etag, /^"[^"]+"$/);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    equal((await get({ "if-none-match": known })).status, 304, known);
  }
  equal((await get({ "if-none-match": '"other"' })).status, 200);
  equal((await get({ range: "bytes=0-0", "if-range": etag })).status, 206);
  equal((await get({ range: "bytes=0-0", "if-range": '"other"' })).status, 200);
  equal((await get({ range: "bytes=0-0,5-9" })).status, 200);
});

Deno.test("lake answers HEAD from the manifest, without the store", async () => {
  const { app, names, store } = await served();
  await app.request("/api/tables/transactions/files");
  store.read = () => Promise.reject(new Error("the store is asked"));
  const whole = await app.request(`/lake/${names[0]}`, { method: "HEAD" });
  equal(whole.status, 200);
  equal(whole.headers.get("content-length"), String(FILE_BYTES));
  const part = await app.request(`/lake/${names[0]}`, { method: "HEAD", headers: { range: "bytes=0-" } });
  equal(part.status, 206);
  equal(part.headers.get("content-range"), `bytes 0-${FILE_BYTES - 1}/${FILE_BYTES}`);
  equal(await part.text(), "");
});

Deno.test("lake gives only what a snapshot lists, older snapshots too", async () => {
  const { app, names, store, commit, parts } = await served();
  await commit("merged", [names[0], names[1]]);
  equal((await app.request(`/lake/${names[0]}`)).status, 200);
  equal((await app.request(`/lake/${names[2]}`)).status, 200);
  await store.create("lake/processed/transactions/data/orphan.parquet", new Uint8Array(9));
  const { metadata_location } = (await parts.catalog.load(NAME))!;
  const refused = [
    "processed/transactions/data/orphan.parquet",
    metadata_location.slice("s3://memory/lake/".length),
    "..%2f..%2fetc%2fpasswd",
    "processed%2ftransactions/data/..%2f..%2f..%2fsecret.parquet",
    "%E0%A4%A",
    "processed/nope/data/first.parquet",
    "",
  ];
  for (const name of refused) equal((await app.request(`/lake/${name}`)).status, 404, name);
});

Deno.test("lake searches for a name that nobody lists once a version", async () => {
  const { app, store } = await served();
  const ask = () => app.request("/lake/processed/transactions/data/never.parquet");
  equal((await ask()).status, 404);
  let looks = 0;
  const keyOf = store.keyOf.bind(store);
  store.keyOf = (uri) => {
    looks++;
    return keyOf(uri);
  };
  equal((await ask()).status, 404);
  equal(looks, 0);
});

Deno.test("lake says 410 when a listed file is deleted by now", async () => {
  const { app, names, store } = await served();
  await app.request("/api/tables/transactions/files");
  store.objects.delete(`lake/${names[0]}`);
  equal((await app.request(`/lake/${names[0]}`)).status, 410);
});

Deno.test("lake redirects into a bucket, to an address that only the redirect holds", async () => {
  const { app, names, parts } = await served();
  const signed: [string, number][] = [];
  parts.store.presign = (key, ttl) => {
    signed.push([key, ttl]);
    return Promise.resolve(`https://store.example/${key}?X-Amz-Signature=abcdef`);
  };
  const response = await app.request(`/lake/${names[0]}`, { headers: { range: "bytes=0-9" } });
  equal(response.status, 307);
  equal(response.headers.get("location"), `https://store.example/lake/${names[0]}?X-Amz-Signature=abcdef`);
  equal(response.headers.get("cache-control"), "private, max-age=30");
  equal(response.headers.get("referrer-policy"), "no-referrer");
  deepEqual(signed, [[`lake/${names[0]}`, 60]]);
  equal((await app.request(`/lake/${names[0]}`, { method: "HEAD" })).status, 200);
  doesNotMatch(await (await app.request("/api/tables/transactions/files")).text(), /Signature/);
});

Deno.test("readRange never leaves the file", () => {
  const numbers = fc.nat(2_000);
  fc.assert(fc.property(numbers, fc.option(numbers), fc.option(numbers), (size, from, to) => {
    const range = readRange(`bytes=${from ?? ""}-${to ?? ""}`, size);
    if (range === null || range === "all") return true;
    return range.start >= 0 && range.start < range.end && range.end <= size;
  }));
});

Deno.test("catalog serves Iceberg clients and refuses to be written", async () => {
  const { app, json } = await served();
  deepEqual((await json("/iceberg/v1/namespaces")).namespaces, [["raw"], ["processed"], ["analytics"]]);
  const path = "/iceberg/v1/namespaces/processed/tables/transactions";
  equal((await json(path)).metadata["table-uuid"], "u");
  equal((await app.request(path, { method: "HEAD" })).status, 204);
  equal((await app.request(`${path}/metrics`, { method: "POST", body: "{}" })).status, 204);
  for (const [method, at, allow] of [["POST", path, "GET, HEAD"], ["DELETE", `${path}/metrics`, "POST"]]) {
    const refused = await app.request(at, { method });
    deepEqual([refused.status, refused.headers.get("allow")], [405, allow]);
  }
  const missing = await app.request("/iceberg/v1/namespaces/processed%1Ftransactions/tables/snapshots");
  equal(missing.headers.get("content-type"), "application/problem+json");
  const { type, title, status, detail, error } = await missing.json();
  deepEqual([type, title, status], ["about:blank", "Not found", 404]);
  deepEqual(error, { message: detail, type: "NoSuchTableException", code: 404 });
});
