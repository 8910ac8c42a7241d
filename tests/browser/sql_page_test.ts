/** The SQL page in a real Chromium: what a person types, sees, is told and cancels. */
import assert from "node:assert/strict";
import { eventually } from "../waiting.ts";
import { PATIENCE_MS } from "./chromium.ts";
import { alertText, answer, editorOf, pageSuite, rows, run, write } from "./suite.ts";

const test = pageSuite();

test("the first screen shows rows without being asked", async ({ page }) => {
  await page.getByRole("gridcell").first().waitFor();
  assert.ok((await rows(page)).columns.includes("merchant_name"));
  assert.match(
    await page.locator("[data-as-of]").innerText(),
    /Data as of 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC/,
  );
  await page.locator("[data-metric=accepted]", { hasText: /\d/ }).first().waitFor();
});

test("a query typed by hand is answered as native DuckDB answers it", async ({ page, server }) => {
  const sql =
    "select count(*) as n, sum(amount) as total, count(distinct user_id) as users from transactions";
  await run(page, sql);
  const { columns, cells, summary } = await rows(page);
  assert.deepEqual(columns, ["n", "total", "users"]);
  const files = `'${server.lake.folder}/processed/transactions/data/*.parquet'`;
  assert.deepEqual(cells, await server.lake.ask(sql.replace("transactions", files)));
  assert.match(summary, /^1 row · .* · 4 files$/);
});

test("an example runs on a click", async ({ page }) => {
  await page.getByRole("button", { name: "Does every event add up?" }).click();
  const { columns } = await rows(page);
  assert.deepEqual(columns, ["source", "outcome", "records", "latest"]);
});

test("values are shown exactly", async ({ page }) => {
  assert.deepEqual(await answer(page, "select * from processed.values order by big nulls last"), [
    [
      "9223372036854775807",
      "-0.0500",
      "2026-01-31 09:30:00.123456",
      "[a, NULL, b]",
      "{k: v}",
      "[{value: x, count: 3}]",
    ],
    ["NULL", "NULL", "NULL", "NULL", "NULL", "NULL"],
  ]);
  const odd =
    "select interval '1 year 2 months 3 days 04:05:06.5' as i, date '1969-12-31' as d, time '23:59:59.9' as t, " +
    "sum(9223372036854775807::bigint) as h, '\\xAA'::blob as b, 1.5::float as f, true as y, uuid '6f2c0000-0000-0000-0000-0000000000aa' as u, " +
    "timestamp '0044-03-15 12:00:00' as old";
  assert.deepEqual(await answer(page, odd), [[
    "14 months 3 days 04:05:06.5",
    "1969-12-31",
    "23:59:59.9",
    "9223372036854775807",
    "\\xaa",
    "1.5",
    "true",
    "6f2c0000-0000-0000-0000-0000000000aa",
    "0044-03-15 12:00:00",
  ]]);
});

test("columns of old files are found by their ids", async ({ page }) => {
  assert.deepEqual(await answer(page, "select * from processed.evolved order by id"), [
    ["0", "old_0", "NULL"],
    ["1", "old_1", "NULL"],
    ["2", "old_2", "NULL"],
    ["5000000000", "new_0", "0"],
    ["5000000001", "new_1", "0.5"],
    ["5000000002", "new_2", "1"],
  ]);
});

test("an empty table, a view, the clock and JSON answer too", async ({ page }) => {
  await run(page, "select * from empty_table");
  assert.deepEqual((await rows(page)).columns, ["id", "amount"]);
  assert.deepEqual(await answer(page, "select count(*) from completed"), [["800"]]);
  assert.deepEqual(
    await answer(page, "select event_time > now() - interval 1 day from transactions limit 1"),
    [["true"]],
  );
  assert.deepEqual(
    await answer(page, `select body->>'$.id' as id from raw.events where event_id = 'evt_7'`),
    [["evt_7"]],
  );
});

test("statements run in order, one by one, and each result can be looked at", async ({ page }) => {
  await run(
    page,
    "create temp table t as select ';' as a; insert into t values ('--'); select count(*) from t; select a from t /* ; */ order by a;",
  );
  assert.deepEqual((await rows(page)).cells, [["--"], [";"]]);
  await page.getByRole("button", { name: "Result 1" }).click();
  assert.deepEqual((await rows(page)).cells, [["2"]]);
});

test("only the statement at the cursor runs with Ctrl+Enter", async ({ page }) => {
  await write(page, "select 1 as one;\nselect 2 as two;\n");
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.press("ControlOrMeta+Enter");
  assert.deepEqual((await rows(page)).columns, ["one"]);
});

test("a fault is told and underlined where it is", async ({ page }) => {
  await run(page, "select user_id,\n  nope\nfrom processed.transactions");
  assert.match(await alertText(page), /Referenced column "nope" not found/);
  await page.locator(".cm-lintRange-error", { hasText: /^nope$/ }).waitFor();
  await run(page, "selec 1");
  await page.locator(".cm-lintRange-error", { hasText: "selec" }).waitFor();
  assert.match(await alertText(page), /syntax error at or near "selec"/);
  assert.deepEqual(await answer(page, "select 7 as seven"), [["7"]]);
  await page.locator(".cm-lintRange-error").waitFor({ state: "detached" });
});

test("an error in mid-result is an error, not fewer rows", async ({ page }) => {
  await run(
    page,
    "select case when i < 1000000 then i else error('here it ends') end as i from range(2000000) t(i)",
  );
  assert.match(await alertText(page), /here it ends/);
});

test("an endless query is cancelled, and the next one runs", async ({ page }) => {
  await run(
    page,
    "select count(*) from range(100000000000) a, range(1000000) b where a.range + b.range = -1",
  );
  await page.locator(".workbench.is-running").waitFor();
  await page.waitForTimeout(500);
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.match(await alertText(page), /Cancelled/);
  assert.deepEqual(await answer(page, "select count(*) from transactions"), [["4000"]]);
});

test("Escape cancels an endless recursion", async ({ page }) => {
  await run(page, "with recursive r(i) as (select 1 union all select i + 1 from r) select count(*) from r");
  await page.locator(".workbench.is-running").waitFor();
  await page.keyboard.press("Escape");
  assert.match(await alertText(page), /Cancelled/);
});

test("Escape and then Tab leave the editor", async ({ page }) => {
  await write(page, "select 1");
  // The first one closes a list of completions that may be open.
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.closest(".cm-content") === null), true);
});

test("a query that the next one takes the place of says nothing any more", async ({ page }) => {
  await run(page, "with recursive r(i) as (select 1 union all select i + 1 from r) select count(*) from r");
  await page.locator(".workbench.is-running").waitFor();
  assert.deepEqual(await answer(page, "select 7 as seven"), [["7"]]);
  assert.equal(await page.locator("[role=alert]:visible").count(), 0);
});

test("hostile values, names and faults are only text", async ({ page }) => {
  const cells = await answer(page, "select * from processed.hostile order by id");
  assert.ok(cells[0][1].startsWith("<img src=x"));
  assert.equal(cells.length, 6);
  await run(page, `select "<img src=x onerror=globalThis.hacked=1>" from processed.hostile`);
  assert.match(await alertText(page), /<img src=x onerror=globalThis\.hacked=1>/);
  assert.equal(await page.evaluate(() => Reflect.get(globalThis, "hacked")), undefined);
  assert.equal(await page.locator(".results img, .results script, .results svg[onload]").count(), 0);
});

test("SQL cannot reach another origin", async ({ page }) => {
  let hits = 0;
  const other = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    hits += 1;
    return new Response("a\n1\n", { headers: { "access-control-allow-origin": "*" } });
  });
  try {
    await run(page, `select * from read_csv('http://127.0.0.1:${other.addr.port}/x.csv')`);
    await alertText(page);
    await run(page, "install spatial; load spatial");
    await alertText(page);
    assert.equal(hits, 0);
  } finally {
    await other.shutdown();
  }
}, { expects: [/Content Security Policy|foreign request|Failed to (load|fetch)|404|Refused to connect/] });

test("a cut network is told, and the page recovers", async ({ page, server }) => {
  await rows(page);
  server.answers.set("GET /api/tables/raw.events/files", () => new Response("gone", { status: 500 }));
  await run(page, "select count(*) from raw.events");
  assert.match(await alertText(page), /gone/);
  server.answers.clear();
  assert.deepEqual(await answer(page, "select count(*) from raw.events"), [["3000"]]);
}, { expects: [/500/] });

test("a renamed tab keeps the focus, so that the keyboard goes on from there", async ({ page }) => {
  await rows(page);
  const tab = page.getByRole("tab", { selected: true });
  for (const [key, name] of [["Enter", "Mine"], ["Escape", "Mine"]]) {
    await tab.focus();
    await page.keyboard.press("F2");
    await page.getByLabel("Name of the query").fill(key === "Enter" ? "Mine" : "Nobody's");
    await page.keyboard.press(key);
    await page.locator("[role=tab]:focus", { hasText: name }).waitFor();
  }
});

test("the slider of snapshots counts all that are kept, however many pages they come in", async ({ page, server }) => {
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  const items = Array.from({ length: 2_500 }, (_, second) => ({
    snapshot_id: String(second),
    committed_at: at(second),
    operation: "append",
    rows: 1,
  })).reverse();
  server.answers.set("GET /api/tables/processed.transactions/snapshots", (request) => {
    const query = new URL(request.url).searchParams;
    const from = Number(query.get("cursor") ?? 0);
    const to = from + Number(query.get("limit"));
    return Response.json({ items: items.slice(from, to), cursor: to < items.length ? String(to) : null });
  });
  await write(page, "select count(*) from processed.transactions");
  await page.getByRole("button", { name: "As of now" }).click();
  const slider = page.getByRole("slider", { name: /Snapshots of/ });
  await page.getByText("2,500 of 2,500 kept").waitFor();
  await slider.fill("0");
  await page.getByText(/^2026-01-01 00:00:00 UTC .* 1 of 2,500 kept$/).waitFor();
});

test("a tab looks at the past", async ({ page }) => {
  await write(page, "select count(*) from processed.transactions");
  await page.getByRole("button", { name: "As of now" }).click();
  const slider = page.getByRole("slider", { name: /Snapshots of/ });
  await slider.fill("0");
  await page.getByRole("button", { name: "Use this snapshot" }).click();
  assert.deepEqual((await rows(page)).cells, [["2000"]]);
  await page.getByRole("button", { name: /^As of 20/ }).click();
  await page.getByRole("button", { name: "Back to now" }).click();
  await page.getByRole("gridcell", { name: "4000" }).waitFor();
});

test("parameters become a form, and values stay values", async ({ page }) => {
  await write(page, "select count(*) as n, :word as word from transactions where user_id = :user");
  await page.getByLabel(":word").fill("x' or '1'='1");
  await page.getByLabel(":user").fill("user_52");
  await page.keyboard.press("Enter");
  const { cells } = await rows(page);
  assert.equal(cells[0][1], "x' or '1'='1");
  assert.ok(Number(cells[0][0]) > 0 && Number(cells[0][0]) < 100);
});

test("the values of a parameter belong to their tab", async ({ page }) => {
  await write(page, "select :who as who");
  await page.getByLabel(":who").fill("first");
  await page.getByRole("button", { name: "New query" }).click();
  await write(page, "select :who as who");
  assert.equal(await page.getByLabel(":who").inputValue(), "");
  await page.getByLabel(":who").fill("second");
  await page.getByRole("tab", { name: "Query 1" }).click();
  assert.equal(await page.getByLabel(":who").inputValue(), "first");
  await page.getByLabel(":who").fill("changed");
  await page.keyboard.press("Enter");
  assert.equal((await rows(page)).cells[0][0], "changed");
});

test("sorting and filtering go over the whole result", async ({ page }) => {
  await run(page, "select i::bigint as i, i % 7 as k, 'name ' || i as name from range(200000) t(i)");
  await rows(page);
  await page.getByRole("columnheader", { name: "i", exact: true }).click();
  await page.getByRole("columnheader", { name: "i", exact: true }).click();
  await page.locator("[role=columnheader][aria-sort=descending]").waitFor();
  assert.equal((await rows(page)).cells[0][0], "199999");
  await page.getByLabel("Filter the result").fill("k=3 i<100 name:9");
  await page.getByText("2 rows match").waitFor();
  assert.deepEqual((await rows(page)).cells.map((row) => row[0]), ["94", "59"]);
});

test("a million rows scroll to the last", async ({ page }) => {
  await run(page, "select i, i * 2 as j, 'row ' || i as name from range(1000000) t(i)");
  const { summary } = await rows(page);
  assert.match(summary, /^1,000,000 rows|^first 1,000,000 rows/);
  await page.getByRole("grid").focus();
  await page.keyboard.press("ControlOrMeta+End");
  await page.getByRole("gridcell", { name: "row 999999" }).waitFor();
});

test("a link opens a query and does not run it", async ({ page, server }) => {
  await write(page, "select 'shared' as word");
  await page.getByRole("button", { name: "Share" }).click();
  const link = await page.getByLabel("Link").inputValue();
  assert.ok(link.startsWith(`${server.url}/#/sql?q=`));
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await page.goto("about:blank");
  await page.goto(link);
  assert.match(await alertText(page), /Read it, then press Run/);
  assert.match(await editorOf(page).innerText(), /select 'shared' as word/);
  assert.equal(await page.getByRole("gridcell", { name: "shared" }).count(), 0);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("gridcell", { name: "shared" }).waitFor();
});

test("tabs and their texts survive a reload", async ({ page }) => {
  await page.getByRole("button", { name: "New query" }).click();
  await write(page, "select 'kept' as word");
  await page.reload();
  await page.locator(".cm-content", { hasText: "select 'kept' as word" }).waitFor();
  assert.equal(await page.getByRole("tab").count(), 2);
});

test("each tab keeps its result and its own undo", async ({ page }) => {
  await run(page, "select 'first' as one");
  await page.getByRole("gridcell", { name: "first" }).waitFor();
  await page.getByRole("button", { name: "New query" }).click();
  assert.equal(await page.getByRole("gridcell").count(), 0);
  await run(page, "select 'second' as two");
  await page.getByRole("gridcell", { name: "second" }).waitFor();
  await page.getByRole("tab", { name: "Query 1" }).click();
  await page.getByRole("gridcell", { name: "first" }).waitFor();
  await editorOf(page).click();
  await page.keyboard.press("ControlOrMeta+z");
  await page.locator(".cm-content", { hasText: "FROM processed.transactions" }).waitFor();
});

test("a click on the active tab changes nothing, and a double click renames it", async ({ page }) => {
  await write(page, "select 'before' as word");
  await page.getByRole("button", { name: "New query" }).click();
  await page.getByRole("tab", { name: "Query 1" }).click();
  await write(page, "select 'after' as word");
  await page.getByRole("tab", { name: "Query 1" }).click();
  await page.getByRole("tab", { name: "Query 1" }).dblclick();
  await page.getByLabel("Name of the query").fill("Mine");
  await page.keyboard.press("Enter");
  await page.getByRole("tab", { name: "Mine" }).waitFor();
  assert.match(await editorOf(page).innerText(), /'after'/);
});

test("a browser that keeps nothing is told of, and the page works", async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(globalThis, "localStorage", {
      get() {
        throw new DOMException("forbidden", "SecurityError");
      },
    });
  });
  await page.reload();
  await page.getByRole("button", { name: "Hide the introduction" }).click();
  await page.getByRole("button", { name: "New query" }).click();
  await page.getByRole("alert").filter({ hasText: "This browser cannot keep the tabs" }).waitFor();
  assert.deepEqual(await answer(page, "select 7 as seven"), [["7"]]);
  await page.keyboard.press("ControlOrMeta+s");
  await page.getByLabel("Name", { exact: true }).press("Enter");
  await page.getByRole("alert").filter({ hasText: "cannot keep the query" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Rules" }).click();
  const text = page.getByLabel("Rules as YAML");
  await text.fill(`${await text.inputValue()}# more\n`);
  await page.getByText("this browser cannot keep the text, which is lost with the page").waitFor();
  assert.ok(await page.getByRole("button", { name: "Save" }).isEnabled());
});

test("rows that still come are not arranged, so that none is hidden", async ({ page }) => {
  await rows(page);
  await page.evaluate(() => {
    const summary = document.querySelector(".results-summary")!;
    const watch = new MutationObserver(() => {
      if (!/so far/.test(summary.textContent ?? "")) return;
      watch.disconnect();
      document.querySelector<HTMLElement>("[role=columnheader]")!.click();
    });
    watch.observe(summary, { childList: true });
  });
  await run(page, "select i::bigint as i, 'row ' || i as name from range(300000) t(i)");
  assert.match((await rows(page)).summary, /^300,000 rows/);
  assert.equal(await page.getByRole("grid").getAttribute("aria-rowcount"), "300001");
  await page.getByRole("columnheader", { name: "i", exact: true }).click();
  await page.locator("[role=columnheader][aria-sort=ascending]").waitFor();
});

test("a statement without rows does not leave those of another in sight", async ({ page }) => {
  await answer(page, "select 'old' as word");
  await run(page, "create temp table nothing_to_see (a int)");
  await page.getByRole("grid").waitFor({ state: "hidden" });
});

test("each tab tells the age of its own rows", async ({ page, server }) => {
  const age = async () => (await page.locator("[data-as-of]").innerText()).slice(0, 34);
  await answer(page, "select count(*) from processed.transactions");
  const [table] = server.lake.tables.filter((one) => one.name === "processed.transactions");
  const old = table.snapshots.at(-1)!.committed_at;
  assert.equal(await age(), `Data as of ${old.slice(0, 19).replace("T", " ")} UTC`);
  await page.getByRole("button", { name: "New query" }).click();
  const files = await (await fetch(`${server.url}/api/tables/raw.events/files`)).json();
  const later = { ...files, committed_at: "2031-01-01T00:00:00.000Z" };
  server.answers.set("GET /api/tables/raw.events/files", () => Response.json(later));
  await answer(page, "select count(*) from raw.events");
  assert.equal(await age(), "Data as of 2031-01-01 00:00:00 UTC");
  await page.getByRole("tab", { name: "Query 1" }).click();
  assert.equal(await age(), `Data as of ${old.slice(0, 19).replace("T", " ")} UTC`);
});

test("an ENUM does not look like NULL", async ({ page }) => {
  await answer(page, "create type mood as enum ('good', 'bad'); select 1");
  assert.deepEqual(
    await answer(page, "select 'bad'::mood as m, null::mood as n, 'good'::mood::varchar as v"),
    [
      ["(ENUM: cast it to VARCHAR)", "NULL", "good"],
    ],
  );
});

test("the list of tables keeps its focus and its columns when it is asked for anew", async ({ page, server }) => {
  await rows(page);
  await page.getByRole("treeitem", { name: /^transactions/ }).click();
  await page.getByRole("treeitem", { name: /^currency/ }).focus();
  const asked = () => server.requests.filter((one) => one === "GET /api/tables").length;
  const before = asked();
  await eventually(asked, (count) => count > before, { what: "the tables asked for anew" });
  await page.waitForFunction(() => document.activeElement?.getAttribute("data-path")?.endsWith("/currency"));
  // Whoever types a key next means the same column.
  await page.keyboard.press("p");
  await page.getByRole("dialog", { name: "processed.transactions.currency" }).waitFor();
});

test("a cancel does not wait for an engine that cannot start", async ({ page, server }) => {
  const engine = await page.locator("meta[name=engine-module]").getAttribute("content") ?? "";
  const held = Promise.withResolvers<Response>();
  server.answers.set(`GET ${engine}`, () => held.promise);
  const other = await page.context().browser()!.newContext();
  try {
    const slow = await other.newPage();
    slow.setDefaultTimeout(PATIENCE_MS);
    await slow.goto(server.url);
    await run(slow, "select 1");
    await slow.locator(".workbench.is-running").waitFor();
    await slow.keyboard.press("Escape");
    await slow.locator("[role=alert]", { hasText: "Cancelled" }).waitFor();
    await slow.locator(".workbench:not(.is-running)").waitFor();
  } finally {
    held.resolve(new Response(null, { status: 503 }));
    await other.close();
  }
}, { expects: [/WebAssembly/, /503/] });

test("completion knows tables, aliases and columns of CTEs", async ({ page }) => {
  // The tables are known.
  await rows(page);
  await write(
    page,
    "with c as (select user_id, sum(amount) as total from transactions group by all) select ",
  );
  await page.keyboard.type("x.");
  await page.keyboard.insertText(" from c x");
  for (let at = 0; at < " from c x".length; at++) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Control+Space");
  await page.getByRole("option", { name: "total" }).waitFor();
  await page.keyboard.press("Escape");
  await write(page, "select * from ");
  await page.keyboard.type("trans");
  await page.getByRole("option", { name: "processed.transactions" }).waitFor();
  await page.keyboard.press("Escape");
  await write(page, "select  from (select user_id as who from processed.transactions) q");
  for (let at = 0; at < " from (select user_id as who from processed.transactions) q".length; at++) {
    await page.keyboard.press("ArrowLeft");
  }
  await page.keyboard.type("q.");
  await page.getByRole("option", { name: "who" }).waitFor();
});

test("a run closes the completion", async ({ page }) => {
  await rows(page);
  await write(page, "select * from ");
  await page.keyboard.type("trans");
  const options = page.getByRole("option", { name: "processed.transactions" });
  await options.waitFor();
  await page.keyboard.press("ControlOrMeta+Enter");
  assert.match(await alertText(page), /trans/);
  await options.waitFor({ state: "detached" });
});

test("what the page's engine lacks is asked of the server", async ({ page, server }) => {
  server.answers.set(
    "POST /api/query",
    () =>
      Response.json({
        columns: [{ name: "t", type: "VARCHAR" }],
        rows: [["in Berlin"]],
        truncated: false,
        elapsed_ms: 1,
      }),
  );
  await run(page, "select timestamp '2026-01-01 00:00:00' at time zone 'Europe/Berlin' as t");
  assert.match(await alertText(page), /This needs DuckDB's extension icu/);
  await page.getByRole("button", { name: "Ask the server" }).click();
  await page.getByRole("gridcell", { name: "in Berlin" }).waitFor();
}, { expects: [/404|icu/] });

test("the server runs what is too big for a tab", async ({ page, server }) => {
  server.answers.set("POST /api/query", async (request) => {
    const { sql } = await request.json();
    if (sql.includes("bad")) {
      return Response.json({
        title: "Bad Request",
        status: 400,
        detail: "Cannot run the query: no such thing",
        code: "syntax",
        line: 1,
        column: 8,
      }, { status: 400 });
    }
    return Response.json({
      columns: [{ name: "n", type: "BIGINT" }, { name: "at", type: "TIMESTAMP" }],
      rows: [["9223372036854775807", "2026-01-31T09:30:00.123456Z"]],
      truncated: true,
      elapsed_ms: 3,
    });
  });
  await write(page, "select 1");
  await page.getByRole("button", { name: "Run on the server" }).click();
  await page.getByRole("gridcell", { name: "9223372036854775807" }).waitFor();
  const { cells, summary } = await rows(page);
  assert.deepEqual(cells, [["9223372036854775807", "2026-01-31 09:30:00.123456"]]);
  assert.match(summary, /truncated.*on the server/);
  await write(page, "select bad");
  await page.getByRole("button", { name: "Run on the server" }).click();
  assert.match(await alertText(page), /no such thing/);
  await page.locator(".cm-lintRange-error", { hasText: "bad" }).waitFor();
}, { expects: [/400/] });
