/** What can be done with a result, in a real Chromium: give it away, draw it, copy it, look into it, bring files in. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { eventually } from "../waiting.ts";
import { answer, pageSuite, rows, run, write } from "./suite.ts";

const test = pageSuite();
const HOSTILE =
  `select * from (values ('=1+1', -5, 1.50::decimal(4,2)), ('+x', 2, null), ('-y', 3, 2), ('@z', 4, 3), (chr(9) || 't', 5, 4),
  ('a "b", c', 6, 5)) t(word, n, price)`;

async function exported(page: Page, format: string): Promise<Uint8Array> {
  const downloading = page.waitForEvent("download");
  await page.getByLabel("Export the result").selectOption(format);
  const path = await (await downloading).path();
  return await Deno.readFile(path);
}

test("CSV is neutralised in texts and leaves numbers alone", async ({ page }) => {
  await run(page, HOSTILE);
  await rows(page);
  const csv = new TextDecoder().decode(await exported(page, "csv"));
  assert.deepEqual(csv.split("\r\n"), [
    "word,n,price",
    "'=1+1,-5,1.50",
    "'+x,2,",
    "'-y,3,2.00",
    "'@z,4,3.00",
    "'\tt,5,4.00",
    '"a ""b"", c",6,5.00',
    "",
  ]);
});

test("JSON lines keep numbers exact", async ({ page }) => {
  await run(
    page,
    "select 9223372036854775807 as big, {'a': [1, null]} as nested, null as nothing union all select 1, null, null",
  );
  await rows(page);
  const lines = new TextDecoder().decode(await exported(page, "json")).trim().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [
    { big: "9223372036854775807", nested: { a: [1, null] }, nothing: null },
    { big: 1, nested: null, nothing: null },
  ]);
});

test("Parquet and Arrow files are read by others", async ({ page, server }) => {
  await run(page, "select * from processed.transactions order by log_offset");
  await rows(page);
  const path = `${server.lake.folder}/exported.parquet`;
  await Deno.writeFile(path, await exported(page, "parquet"));
  const sum = "SELECT count(*), sum(amount)::VARCHAR, max(event_time)::VARCHAR FROM";
  const files = `'${server.lake.folder}/processed/transactions/data/*.parquet'`;
  assert.deepEqual(await server.lake.ask(`${sum} '${path}'`), await server.lake.ask(`${sum} ${files}`));
  const arrow = await exported(page, "arrow");
  const { tableFromIPC } = await import("apache-arrow");
  assert.equal(tableFromIPC(arrow).numRows, 4000);
});

test("what is filtered and sorted is exported so, and so are the server's rows", async ({ page, server }) => {
  const path = `${server.lake.folder}/chosen.parquet`;
  const written = async () => {
    await Deno.writeFile(path, await exported(page, "parquet"));
    return await server.lake.ask(`SELECT * FROM '${path}'`);
  };
  await run(
    page,
    "select i, (i / 4)::decimal(9,2) as q, 'n' || i as name, 'ab'::blob as b from range(6) t(i)",
  );
  await rows(page);
  await page.getByLabel("Filter the result").fill("i>2");
  await page.getByText("3 rows match").waitFor();
  await page.getByRole("columnheader", { name: "i", exact: true }).click();
  await page.getByRole("columnheader", { name: "i", exact: true }).click();
  await page.locator("[role=columnheader][aria-sort=descending]").waitFor();
  const lines = new TextDecoder().decode(await exported(page, "csv")).split("\r\n");
  assert.deepEqual(lines.slice(1, 4), ["5,1.25,n5,\\x6162", "4,1.00,n4,\\x6162", "3,0.75,n3,\\x6162"]);
  assert.deepEqual(await written(), [["5", "1.25", "n5", "ab"], ["4", "1.00", "n4", "ab"], [
    "3",
    "0.75",
    "n3",
    "ab",
  ]]);
  server.answers.set("POST /api/query", () =>
    Response.json({
      columns: [{ name: "n", type: "BIGINT" }, { name: "t", type: "TIMESTAMP" }],
      rows: [["9223372036854775807", "2026-01-31T09:30:00Z"], [null, null]],
      truncated: false,
      elapsed_ms: 1,
    }));
  await page.getByRole("button", { name: "Run on the server" }).click();
  await page.getByRole("gridcell", { name: "9223372036854775807" }).waitFor();
  assert.deepEqual((await written())[0], ["9223372036854775807", "2026-01-31 09:30:00"]);
  const { tableFromIPC } = await import("apache-arrow");
  assert.equal(tableFromIPC(await exported(page, "arrow")).numRows, 2);
});

test("a chart of one point shows it", async ({ page }) => {
  await run(page, "select timestamp '2026-01-31 09:30:00' as at, 5 as n");
  await rows(page);
  await page.getByRole("button", { name: "Chart" }).click();
  await page.getByText("n along 1 value of at: from 5 to 5.").waitFor();
  const canvas = page.locator("worded-chart canvas").first();
  const coloured = () =>
    canvas.evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement;
      const swatch = getComputedStyle(document.querySelector(".chart-swatch")!).backgroundColor;
      const wanted = swatch.match(/\d+/g)!.slice(0, 3).map(Number);
      const { data } = (element as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
      let pixels = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] > 200 && wanted.every((one, part) => Math.abs(data[at + part] - one) < 8)) pixels++;
      }
      return pixels;
    });
  await eventually(coloured, (pixels) => pixels > 10, { what: "a dot" });
});

test("floats of 32 bits are shown as they were written, by the page and by the server", async ({ page, server }) => {
  assert.deepEqual(await answer(page, "select 0.1::float as f, [0.1::float] as l, 0.1::double as d"), [
    ["0.1", "[0.1]", "0.1"],
  ]);
  server.answers.set("POST /api/query", () =>
    Response.json({
      columns: [{ name: "f", type: "FLOAT" }],
      rows: [[0.10000000149011612]],
      truncated: false,
      elapsed_ms: 1,
    }));
  await page.getByRole("button", { name: "Run on the server" }).click();
  await page.getByText(/on the server/).and(page.locator(".results-summary")).waitFor();
  assert.deepEqual((await rows(page)).cells, [["0.1"]]);
});

test("a result becomes a chart that says what it shows", async ({ page }) => {
  await run(
    page,
    "select date_trunc('hour', event_time) as hour, currency, count(*) as n from transactions group by all order by all",
  );
  await rows(page);
  await page.getByRole("button", { name: "Chart" }).click();
  await page.getByText(/^n along \d+ values of hour: from \d+ to \d+\.$/).waitFor();
  assert.deepEqual((await page.locator(".chart-name").allInnerTexts()).sort(), ["EUR", "GBP", "JPY", "USD"]);
  await page.getByLabel("Kind").selectOption("bar");
  await page.getByLabel("A line for each").selectOption("none");
  await page.locator(".chart-name", { hasText: /^n$/ }).waitFor();
  await page.getByRole("button", { name: "Chart" }).click();
  await page.getByRole("grid").waitFor();
});

test("cells are selected, copied and opened", async ({ page }) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await run(page, `select i, 'x' || i as word, '{"b": [1, 2], "c": "two words"}' as doc from range(5) t(i)`);
  await rows(page);
  await page.getByRole("gridcell", { name: "x1", exact: true }).click();
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("ControlOrMeta+c");
  await page.waitForFunction(() =>
    document.getElementById("announcements")?.textContent === "4 cells copied"
  );
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "1\tx1\n2\tx2");
  await page.getByRole("gridcell", { name: /"b"/ }).first().dblclick();
  const dialog = page.getByRole("dialog", { name: "doc, row 1" });
  assert.match(await dialog.locator("pre").innerText(), /\{\n {2}"b": \[\n/);
});

test("a dropped CSV file is a table", async ({ page }) => {
  await rows(page);
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(["city,n\nBerlin,3\nRome,4\n"], "My Cities.csv"));
    document.querySelector(".workbench")!.dispatchEvent(
      new DragEvent("drop", { dataTransfer: data, bubbles: true }),
    );
  });
  await page.getByRole("gridcell", { name: "Berlin" }).waitFor();
  assert.deepEqual(await answer(page, "select sum(n) from my_cities"), [["7"]]);
});

/** Drops files onto the element as a person would. */
function drop(page: Page, onto: string, ...files: [name: string, text: string][]): Promise<void> {
  return page.evaluate(([onto, files]) => {
    const data = new DataTransfer();
    for (const [name, text] of files) data.items.add(new File([text], name));
    const place = document.querySelector(onto)!;
    const { x, y } = place.getBoundingClientRect();
    place.dispatchEvent(
      new DragEvent("drop", {
        dataTransfer: data,
        bubbles: true,
        cancelable: true,
        clientX: x + 40,
        clientY: y + 12,
      }),
    );
  }, [onto, files] as const);
}

test("files whose names are alike are tables of their own, and no table of the lake changes", async ({ page }) => {
  await rows(page);
  const text = await page.locator(".cm-content").innerText();
  await drop(page, ".cm-content", ["данные.csv", "a\n11\n"], ["отчёт.csv", "a\n22\n"], [
    "transactions.csv",
    "a\n33\n",
  ]);
  await page.getByRole("gridcell", { name: "33" }).waitFor();
  assert.deepEqual(await answer(page, "select * from file_1 union all from file_1_2 order by a"), [["11"], [
    "22",
  ]]);
  assert.deepEqual(await answer(page, "select count(*) from transactions"), [["4000"]]);
  await drop(page, ".workbench", ["transactions.csv", "a\n44\n"]);
  await page.getByRole("gridcell", { name: "44" }).waitFor();
  await page.getByRole("tab", { name: "Query 1" }).click();
  assert.equal(await page.locator(".cm-content").innerText(), text);
});

test("numbers that JSON lacks and those beyond a double are exported exactly, sorted or not", async ({ page, server }) => {
  await run(
    page,
    `select i, case when i = 1 then 'NaN'::double else '-inf'::double end as d, (9007199254740993 + i)::hugeint as h,
      make_timestamp_ns(1000000001 + i) as t, {'a b': i} as s from range(2) t(i)`,
  );
  await rows(page);
  await page.getByRole("columnheader", { name: "i", exact: true }).click();
  await page.locator("[role=columnheader][aria-sort=ascending]").waitFor();
  const path = `${server.lake.folder}/exact.parquet`;
  await Deno.writeFile(path, await exported(page, "parquet"));
  assert.deepEqual(
    await server.lake.ask(
      `SELECT d::VARCHAR, h::VARCHAR, t::VARCHAR, (s."a b")::VARCHAR FROM '${path}' ORDER BY i`,
    ),
    [
      ["-inf", "9007199254740993", "1970-01-01 00:00:01.000000001", "0"],
      ["nan", "9007199254740994", "1970-01-01 00:00:01.000000002", "1"],
    ],
  );
  const lines = new TextDecoder().decode(await exported(page, "json")).trim().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line).d), ["-Infinity", "NaN"]);
});

test("what cannot be copied is told", async ({ page }) => {
  await answer(page, "select 1 as one");
  await page.evaluate(() => {
    Object.defineProperty(navigator, "clipboard", {
      value: { writeText: () => Promise.reject(new Error("not allowed")) },
    });
  });
  await page.getByRole("gridcell", { name: "1", exact: true }).click();
  await page.keyboard.press("ControlOrMeta+c");
  await page.getByRole("alert").filter({ hasText: "Cannot copy: not allowed" }).waitFor();
});

test("a file is opened with the keyboard", async ({ page }) => {
  await rows(page);
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("parquet file");
  await page.keyboard.press("Enter");
  await page.locator("input[type=file]").setInputFiles({
    name: "Two rows.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("a,b\n1,x\n2,y\n"),
  });
  await page.getByRole("gridcell", { name: "y", exact: true }).waitFor();
});

test("history and saved queries are found and opened", async ({ page }) => {
  await answer(page, "select 'needle' as word");
  await write(page, "select 'saved' as word");
  await page.keyboard.press("ControlOrMeta+s");
  await page.getByLabel("Name", { exact: true }).fill("My query");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Alt+h");
  await page.getByLabel("Search queries").fill("needle");
  await page.keyboard.press("Enter");
  await page.locator(".cm-content", { hasText: "needle" }).waitFor();
  // A closed dialog leaves the page a little later.
  await page.locator("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("Alt+h");
  await page.getByLabel("Search queries").fill("my query");
  await page.getByRole("button", { name: /^My query/ }).click();
  await page.locator(".cm-content", { hasText: "saved" }).waitFor();
  await page.getByRole("tab", { selected: true, name: "My query" }).waitFor();
});

test("the plan and the profile of a column are one click away", async ({ page }) => {
  await write(page, "select count(*) from transactions where amount > 100");
  await page.getByRole("button", { name: "Explain" }).click();
  await page.locator(".plan", { hasText: /READ_PARQUET/ }).waitFor();
  await page.getByRole("button", { name: "Run it and measure each step" }).click();
  await page.locator(".plan", { hasText: /Total Time|rows/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("treeitem", { name: /^transactions/ }).click();
  await page.getByRole("treeitem", { name: /^currency/ }).focus();
  await page.keyboard.press("p");
  await page.getByRole("row", { name: /EUR 1,000 25\.0 %/ }).waitFor();
});
