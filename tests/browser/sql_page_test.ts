/** The SQL page in a real Chromium: what a person types, sees and cancels. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { openChromium, type WatchedPage, watchedPage } from "./chromium.ts";
import { type FixtureServer, startFixtureServer } from "./fixture_server.ts";

let server: FixtureServer;
let browser: Browser | null;

Deno.test.beforeAll(async () => {
  server = await startFixtureServer();
  browser = await openChromium();
});
Deno.test.afterAll(async () => {
  await browser?.close();
  await server[Symbol.asyncDispose]();
});

function pageTest(name: string, body: (watched: WatchedPage) => Promise<void>): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      if (!browser) throw new Error("these tests need a Chromium");
      const watched = await watchedPage(browser, server.url);
      await watched.page.goto(server.url);
      await watched.page.getByRole("textbox", { name: "SQL" }).waitFor();
      try {
        await body(watched);
        assert.deepEqual(watched.faults, []);
      } finally {
        await watched.page.close();
      }
    },
  });
}

async function run(page: Page, sql: string): Promise<void> {
  const editor = page.getByRole("textbox", { name: "SQL" });
  await editor.click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(sql);
  await page.keyboard.press("ControlOrMeta+Shift+Enter");
}

/** Waits until nothing runs, and gives the grid's texts. */
async function rows(page: Page): Promise<{ columns: string[]; cells: string[][] }> {
  await page.locator(".workbench:not(.is-running) .results-summary:not(:empty)").waitFor();
  const grid = page.getByRole("grid");
  const columns = await grid.getByRole("columnheader").allTextContents();
  const cells = await grid.locator("[role=row]:not([hidden]):has([role=gridcell])").evaluateAll((found) =>
    found
      .sort((a, b) => Number(a.getAttribute("aria-rowindex")) - Number(b.getAttribute("aria-rowindex")))
      .map((row) => [...row.querySelectorAll("[role=gridcell]")].map((cell) => cell.textContent ?? ""))
  );
  return { columns, cells };
}

pageTest("the first screen shows rows without being asked", async ({ page }) => {
  await page.getByRole("gridcell").first().waitFor({ timeout: 20_000 });
  assert.ok((await rows(page)).columns.includes("merchant_name"));
  assert.match(
    await page.locator("[data-as-of]").innerText(),
    /Data as of 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC/,
  );
});

pageTest("a query typed by hand is answered from the Parquet files", async ({ page }) => {
  await run(
    page,
    "select count(*) as n, sum(amount) as total, count(distinct user_id) as users from transactions",
  );
  const { columns, cells } = await rows(page);
  assert.deepEqual(columns, ["n", "total", "users"]);
  const native = await server.lake.ask(
    `SELECT count(*)::VARCHAR, sum(amount)::VARCHAR, count(DISTINCT user_id)::VARCHAR
     FROM '${server.lake.folder}/processed/transactions/data/*.parquet'`,
  );
  assert.deepEqual(cells, native);
});
