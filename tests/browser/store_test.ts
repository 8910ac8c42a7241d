/** Data files in a store of another origin: read by ranges through redirects, with nothing secret in the page. */
import assert from "node:assert/strict";
import { alertText, answer, pageSuite, rows, run } from "./suite.ts";

const test = pageSuite({ store: true });

test("a big file is read by ranges, straight from the store", async ({ page, server }) => {
  await rows(page);
  const store = server.store!;
  const before = store.sent_bytes;
  assert.deepEqual(await answer(page, "select count(*) from processed.big"), [["400000"]]);
  const counted = store.sent_bytes - before;
  assert.ok(counted > 0 && counted < 200_000, `count(*) took ${counted} bytes`);
  await run(page, "select sum(id) from processed.big");
  const { cells, summary } = await rows(page);
  assert.deepEqual(cells, [["79999800000"]]);
  assert.match(summary, /[kM]B fetched · 1 file$/);
  assert.ok(!server.requests.some((one) => one.includes("signature")));
});

test("a signature that ends in between is made anew, and no error shows one", async ({ page, server }) => {
  assert.deepEqual(await answer(page, "select min(word) is not null from processed.big"), [["true"]]);
  server.store!.expire();
  const [[far]] = await answer(page, "select max(id) from processed.big where word like '%9'");
  assert.ok(Number(far) > 300_000);
  server.answers.set(
    "GET /lake/processed/values/data/0-0.parquet",
    () => new Response("gone", { status: 410, headers: { "cache-control": "no-store" } }),
  );
  await run(page, "select * from processed.values");
  const message = await alertText(page);
  assert.match(message, /0-0\.parquet/);
  assert.doesNotMatch(await page.locator("body").innerText(), /secret-/);
}, { expects: [/410/] });

test("files that were replaced in between are asked for anew", async ({ page, server }) => {
  await rows(page);
  let refusals = 0;
  server.answers.set("GET /lake/processed/values/data/0-0.parquet", (request) => {
    refusals += 1;
    if (refusals === 1) {
      return new Response("gone", { status: 410, headers: { "cache-control": "no-store" } });
    }
    return server.store!.redirect(new URL(request.url).pathname);
  });
  assert.deepEqual(await answer(page, "select count(*) from processed.values"), [["2"]]);
  assert.equal(refusals, 2);
}, { expects: [/410/] });

const BIG = "/lake/processed/big/data/0-0.parquet";

test("a network that is cut in mid-scan is told, and the next query reads on", async ({ page, server }) => {
  assert.deepEqual(await answer(page, "select count(*) from processed.big"), [["400000"]]);
  for (const method of ["GET", "HEAD"]) {
    server.answers.set(`${method} ${BIG}`, () => new Response("away", { status: 503 }));
  }
  server.store!.expire();
  await run(page, "select sum(id), max(word) from processed.big");
  assert.match(await alertText(page), /0-0\.parquet/);
  server.answers.clear();
  assert.deepEqual(await answer(page, "select sum(id) from processed.big"), [["79999800000"]]);
}, { expects: [/503/] });

test("a file that never comes is cancelled, and the next query runs", async ({ page, server }) => {
  await rows(page);
  const held = Promise.withResolvers<Response>();
  for (const method of ["GET", "HEAD"]) server.answers.set(`${method} ${BIG}`, () => held.promise);
  try {
    await run(page, "select sum(id) from processed.big");
    await page.locator(".workbench.is-running").waitFor();
    await page.waitForTimeout(500);
    await page.keyboard.press("Escape");
    await page.locator("[role=alert]", { hasText: "Cancelled" }).waitFor();
    assert.deepEqual(await answer(page, "select 7 as seven"), [["7"]]);
  } finally {
    held.resolve(new Response("late", { status: 503 }));
  }
}, { expects: [/503|Reading file/] });

test("a page that is loaded again in mid-query begins anew", async ({ page }) => {
  await run(
    page,
    "select count(*) from range(100000000000) a, range(1000000) b where a.range + b.range = -1",
  );
  await page.locator(".workbench.is-running").waitFor();
  await page.reload();
  assert.deepEqual(await answer(page, "select 'again' as word"), [["again"]]);
});
