/** The page on the real program: demo data flows, and what the page's engine says is what the server's engine says. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type Program, startProgram } from "../program.ts";
import { eventually } from "../waiting.ts";
import { builtPage } from "./built_page.ts";
import { openChromium, watchedPage } from "./chromium.ts";
import { answer, rows, run } from "./suite.ts";

Deno.test({
  name: "the page on the real program",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    await builtPage();
    const folder = await Deno.makeTempDir({ prefix: "page-program-" });
    const env = { DATA_DIR: folder, CHECKPOINT_MS: "1000" };
    const program = await startProgram({ role: "dev", env });
    const browser = await openChromium();
    assert.ok(browser, "these tests need a Chromium");
    const { page, faults } = await watchedPage(browser, program.url);
    try {
      await page.goto(program.url);
      await page.getByRole("gridcell").first().waitFor();
      await steps(t, page, program);
      assert.deepEqual(faults, []);
    } finally {
      await browser.close();
      await program.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function steps(t: Deno.TestContext, page: Page, program: Program): Promise<void> {
  await t.step("live numbers move", async () => {
    const numbers = page.locator("header .pulse");
    const before = await numbers.innerText();
    await eventually(() => numbers.innerText(), (now) => now !== before, { what: "another number" });
  });
  await t.step("every table and view answers as in the server's engine", () => everyTable(page, program));
  await t.step("the conservation equation is a query", async () => {
    const sql = "select source, outcome, count(*) from raw.events group by all order by all";
    const isMany = (cells: string[][]) =>
      cells.some((row) => row[0] === "demo" && row[1] === "row" && Number(row[2]) > 1000);
    await eventually(() => answer(page, sql), isMany, { what: "a thousand rows", every_ms: 500 });
  });
  await t.step("an event sent by hand is a row", () => sentEvent(page, program));
  await t.step("a past snapshot has fewer rows", () => pastSnapshot(page, program));
  await t.step("the other pages fill", () => otherPages(page, program));
}

/** Aggregates over one and the same snapshot, asked here and there. */
async function everyTable(page: Page, program: Program): Promise<void> {
  const { items } = await (await fetch(`${program.url}/api/tables?limit=1000`)).json();
  assert.ok(items.length > 15);
  for (const { name, kind } of items as { name: string; kind: string }[]) {
    await run(page, `select * from ${name} limit 3`);
    const { columns, summary } = await rows(page);
    assert.doesNotMatch(summary, /^$/, name);
    const response = await fetch(`${program.url}/api/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sql: `select * from ${name} limit 0` }),
    });
    const server = await response.json() as { columns: { name: string }[] };
    assert.deepEqual(columns, server.columns.map((one) => one.name), `${kind} ${name}`);
  }
}

async function sentEvent(page: Page, program: Program): Promise<void> {
  const event = {
    event_id: "by-hand-1",
    timestamp: Date.now(),
    user_id: "somebody",
    amount: "12.5000",
    currency: "EUR",
    status: "completed",
  };
  const response = await fetch(`${program.url}/ingest/transaction`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(event),
  });
  assert.equal(response.status, 202, await response.text());
  const rowsOf = () => answer(page, "select user_id, amount from transactions where event_id = 'by-hand-1'");
  const cells = await eventually(rowsOf, ({ length }) => length > 0, { what: "the row", every_ms: 500 });
  assert.deepEqual(cells, [["somebody", "12.5000"]]);
}

async function pastSnapshot(page: Page, program: Program): Promise<void> {
  const [[now]] = await answer(page, "select count(*) from processed.transactions");
  const path = "/api/tables/processed.transactions/snapshots?limit=1000";
  const { items } = await (await fetch(`${program.url}${path}`)).json();
  await page.getByRole("button", { name: "As of now" }).click();
  await page.getByRole("slider", { name: /Snapshots of/ }).fill("0");
  await page.getByRole("button", { name: "Use this snapshot" }).click();
  await page.getByRole("gridcell", { name: String(items.at(-1).rows), exact: true }).waitFor();
  assert.ok(items.at(-1).rows < Number(now));
  await page.getByRole("button", { name: /^As of 20/ }).click();
  await page.getByRole("button", { name: "Back to now" }).click();
}

async function otherPages(page: Page, program: Program): Promise<void> {
  const open = (hash: string) => page.goto(`${program.url}/#/${hash}`);
  await open("dashboard");
  await page.getByRole("region", { name: "Orders and revenue by currency" }).getByRole("row", { name: /EUR/ })
    .waitFor();
  await page.getByRole("region", { name: "Every event adds up" }).getByRole("row", { name: /demo.*yes/ })
    .waitFor();
  await page.getByRole("region", { name: "Dead letters by reason" }).getByText(/letters? in this time/)
    .waitFor();
  // The lists are of the moment at which they are opened.
  for (const path of ["dead-letters?reason=undecodable", "alerts?state=open"]) {
    const items = async () => (await (await fetch(`${program.url}/api/${path}`)).json()).items;
    await eventually(items, ({ length }) => length > 0, { what: path, every_ms: 500 });
  }
  await open("dead-letters");
  await page.getByRole("button", { name: "undecodable" }).first().click();
  await page.getByRole("dialog").getByLabel("Original body").waitFor();
  await page.keyboard.press("Escape");
  await open("alerts");
  await page.getByRole("button", { name: /^Acknowledge/ }).first().click();
  await page.getByText(/page$/).first().waitFor();
  await open("rules");
  await page.getByRole("region", { name: "Rules in force" }).first()
    .getByRole("row", { name: /impossible_travel.*critical/ }).waitFor();
  await open("tables/processed.transactions");
  await page.getByText(/^Against 20.* UTC/).waitFor();
  await open("tables/processed.payments");
  await page.getByText(/latest_status_at/).first().waitFor();
  await open("operations");
  await page.getByRole("region", { name: "Health" }).getByText("ready").waitFor();
}
