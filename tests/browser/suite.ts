/** What the page's tests share: one server and one browser a file, one fresh page a test, and hands to drive it with. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { openChromium, type PageOptions, type WatchedPage, watchedPage } from "./chromium.ts";
import { type FixtureOptions, type FixtureServer, startFixtureServer } from "./fixture_server.ts";

export interface PageTest extends WatchedPage {
  server: FixtureServer;
}

interface TestOptions extends PageOptions {
  /** The hash to open; the SQL page by default. */
  at?: string;
  /** Patterns of faults that the test means to cause. */
  expects?: readonly RegExp[];
}

/** Registers the hooks of a test file and gives the function that registers its tests. */
export function pageSuite(fixture: FixtureOptions = {}) {
  let server: FixtureServer;
  let browser: Browser | null;
  Deno.test.beforeAll(async () => {
    server = await startFixtureServer(fixture);
    browser = await openChromium();
  });
  Deno.test.afterAll(async () => {
    await browser?.close();
    await server[Symbol.asyncDispose]();
  });
  return (name: string, body: (test: PageTest) => Promise<void>, options: TestOptions = {}) =>
    Deno.test({
      name,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        assert.ok(browser, "these tests need a Chromium");
        const watched = await watchedPage(browser, server.url, { ...options, store: server.store?.url });
        try {
          await watched.page.goto(`${server.url}/${options.at ?? ""}`);
          await body({ ...watched, server });
          const unexpected = watched.faults.filter((fault) =>
            !options.expects?.some((one) => one.test(fault))
          );
          assert.deepEqual(unexpected, []);
        } finally {
          server.answers.clear();
          await watched.page.close();
        }
      },
    });
}

export function editorOf(page: Page) {
  return page.getByRole("textbox", { name: "SQL", exact: true });
}

/** Puts the text in the place of what the editor holds. */
export async function write(page: Page, sql: string): Promise<void> {
  await editorOf(page).click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(sql);
}

export async function run(page: Page, sql: string): Promise<void> {
  await write(page, sql);
  await page.keyboard.press("ControlOrMeta+Shift+Enter");
}

/** Waits until nothing runs, and gives the grid's texts in the order of its rows. */
export async function rows(page: Page): Promise<{ columns: string[]; cells: string[][]; summary: string }> {
  const summary = page.locator(".workbench:not(.is-running) .results-summary:not(:empty)");
  await summary.waitFor();
  const grid = page.getByRole("grid");
  const columns = await grid.getByRole("columnheader").allTextContents();
  const cells = await grid.locator("[role=row]:has([role=gridcell])").evaluateAll((found) =>
    found.map((row) => [...row.querySelectorAll("[role=gridcell]")].map((cell) => cell.textContent ?? ""))
  );
  return { columns, cells, summary: await summary.innerText() };
}

export async function answer(page: Page, sql: string): Promise<string[][]> {
  await run(page, sql);
  return (await rows(page)).cells;
}

/** Waits for the message and gives its text. */
export async function alertText(page: Page): Promise<string> {
  const alert = page.locator("[role=alert]:visible").first();
  await alert.waitFor();
  return await alert.innerText();
}
