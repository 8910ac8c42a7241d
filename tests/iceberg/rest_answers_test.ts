/** The catalog's REST answers: what clients ask for, in the words that they understand. */
import assert from "node:assert/strict";
import { restCatalog } from "../../lib/iceberg/rest_answers.ts";
import { openSmallTable } from "./small_table.ts";

async function openRest() {
  const table = await openSmallTable();
  const rest = restCatalog(table.catalog, {
    clientConfig: { "s3.region": "eu" },
    namespaces: ["raw", "processed", "analytics"],
  });
  const ask = (path: string, method = "GET", parent?: string) =>
    rest.answer(method, path.split("/").map(decodeURIComponent), parent);
  return { table, ask };
}

const codeOf = (body: unknown) => (body as { error: { type: string; code: number } }).error;

Deno.test("`answer` lists namespaces and tables, with or without a prefix", async () => {
  const { ask } = await openRest();
  for (const prefix of ["", "any-warehouse/"]) {
    const { body } = await ask(`${prefix}namespaces`);
    assert.deepEqual(body, { namespaces: [["raw"], ["processed"], ["analytics"]], "next-page-token": null });
    assert.deepEqual((await ask(`${prefix}namespaces/processed/tables`)).body, {
      identifiers: [{ namespace: ["processed"], name: "things" }],
      "next-page-token": null,
    });
  }
  assert.deepEqual((await ask("namespaces/raw/tables")).body, { identifiers: [], "next-page-token": null });
  assert.deepEqual((await ask("namespaces/raw")).body, { namespace: ["raw"], properties: {} });
});

Deno.test("`answer` knows no namespace below another", async () => {
  const { ask } = await openRest();
  const { body } = await ask("namespaces", "GET", "raw");
  assert.deepEqual(body, { namespaces: [], "next-page-token": null });
  const unknown = await ask("namespaces", "GET", "nothing");
  assert.deepEqual([unknown.status, codeOf(unknown.body).type], [404, "NoSuchNamespaceException"]);
});

Deno.test("`answer` gives a table's metadata, its place, and how to reach the store", async () => {
  const { table, ask } = await openRest();
  const { status, body } = await ask("namespaces/processed/tables/things");
  const { metadata, metadata_location } = await table.load();
  assert.equal(status, 200);
  assert.deepEqual(body, { "metadata-location": metadata_location, metadata, config: { "s3.region": "eu" } });
  assert.deepEqual(await ask("namespaces/processed/tables/things", "HEAD"), { status: 204, body: null });
});

Deno.test("`answer` names the endpoints, so that no client tries to write", async () => {
  const { ask } = await openRest();
  const { body } = await ask("config");
  const { endpoints } = body as { endpoints: string[] };
  assert.ok(endpoints.includes("GET /v1/{prefix}/namespaces/{namespace}/tables/{table}"));
  assert.ok(endpoints.every((one) => !/^(DELETE|PUT)/.test(one)));
});

Deno.test("`answer` says what is missing in the way that clients know", async () => {
  const { ask } = await openRest();
  const cases = [
    ["namespaces/processed/tables/nothing", "NoSuchTableException"],
    ["namespaces/processed%1Fthings/tables/snapshots", "NoSuchTableException"],
    ["namespaces/processed/tables/..%2Fthings", "NoSuchTableException"],
    ["namespaces/nowhere", "NoSuchNamespaceException"],
    ["namespaces/nowhere/tables", "NoSuchNamespaceException"],
    ["nonsense", "NoSuchEndpointException"],
    ["namespaces/processed/views", "NoSuchEndpointException"],
  ];
  for (const [path, type] of cases) {
    const { status, body } = await ask(path);
    assert.equal(status, 404, path);
    assert.equal(codeOf(body).type, type, path);
    assert.equal((await ask(path, "HEAD")).status, 404);
  }
});

Deno.test("`answer` takes metrics and refuses to write", async () => {
  const { ask } = await openRest();
  assert.equal((await ask("namespaces/processed/tables/things/metrics", "POST")).status, 204);
  for (const method of ["POST", "PUT", "DELETE"]) {
    assert.equal((await ask("namespaces/processed/tables/things", method)).status, 405);
  }
});
