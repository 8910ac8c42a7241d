/**
 * The program on a real S3 server, asked by somebody who has to log in: data come straight from the store, by signed
 * addresses that the page never holds, and a reader may look at everything and change nothing.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { startS3Server } from "../cluster/s3_server.ts";
import { startProgram } from "../program.ts";
import { builtPage } from "./built_page.ts";
import { openChromium, watchedPage } from "./chromium.ts";
import { answer, rows } from "./suite.ts";

const READER = "reader-0123456789abcdef";
const ADMIN = "admin-0123456789abcdef";

Deno.test({
  name: "the page on a bucket, behind a login",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    await builtPage();
    await using s3 = await startS3Server();
    const folder = await Deno.makeTempDir({ prefix: "page-bucket-" });
    const env = {
      ...{ DATA_DIR: folder, CHECKPOINT_MS: "1000", DEMO_EVENTS_PER_SECOND: "50" },
      ...{
        HOST: "0.0.0.0",
        API_TOKEN: ADMIN,
        READ_TOKEN: READER,
        INGEST_TOKENS: "shop=shop-0123456789abcdef",
      },
      ...{ S3_ENDPOINT: s3.endpoint, S3_BUCKET: "millrace", S3_ACCESS_KEY_ID: s3.access_key_id },
      ...{ S3_SECRET_ACCESS_KEY: s3.secret_access_key },
    };
    const program = await startProgram({ env });
    const url = `http://127.0.0.1:${new URL(program.url).port}`;
    const browser = await openChromium();
    assert.ok(browser, "these tests need a Chromium");
    const { page, faults } = await watchedPage(browser, url, { store: s3.endpoint });
    try {
      await t.step("nobody sees anything without a token", () => login(page, url));
      await t.step("rows come from the store", () => fromStore(page, s3.endpoint));
      await t.step("a reader changes nothing", () => readOnly(page, url));
      await t.step("who logs out has to log in again", () => logOut(page, url));
      assert.deepEqual(faults.filter((one) => !/40[13]/.test(one)), []);
    } finally {
      await browser.close();
      await program.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function login(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Token").fill("wrong-0123456789abcdef");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Token").fill(READER);
  await page.keyboard.press("Enter");
  await page.getByRole("gridcell").first().waitFor();
}

async function fromStore(page: Page, store: string): Promise<void> {
  const signed = new Set<string>();
  page.on("response", (response) => {
    if (response.url().startsWith(store)) signed.add(new URL(response.url()).pathname);
  });
  const [[count]] = await answer(page, "select count(*) from raw.events");
  assert.ok(Number(count) > 0);
  await rows(page);
  assert.ok(signed.size > 0, "no file came from the store");
  assert.doesNotMatch(await page.content(), /X-Amz-/);
}

async function readOnly(page: Page, url: string): Promise<void> {
  const status = await page.evaluate(async () =>
    (await fetch("/api/dead-letters/replay", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    })).status
  );
  assert.equal(status, 403);
  await page.goto(`${url}/#/operations`);
  await page.getByRole("row", { name: /processed.transactions/ }).waitFor();
}

async function logOut(page: Page, url: string): Promise<void> {
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Token").waitFor();
  await page.goto(url);
  await page.getByLabel("Token").waitFor();
  assert.equal(await page.evaluate(() => document.cookie), "");
}
