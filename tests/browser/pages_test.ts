/** The pages beside the editor, in a real Chromium: what they show, what they change, and that everybody can use them. */
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { eventually } from "../waiting.ts";
import { STARTED_MS } from "./fixture_lake.ts";
import { pageSuite, rows } from "./suite.ts";

const test = pageSuite();
const PAGES = [
  "sql",
  "dashboard",
  "dead-letters",
  "alerts",
  "rules",
  "tables",
  "tables/processed.transactions",
  "operations",
];

test("every page is one click away and says its name", async ({ page }) => {
  for (const name of ["Dashboard", "Dead letters", "Alerts", "Rules", "Tables", "Operations"]) {
    await page.getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    assert.match(await page.title(), new RegExp(name));
  }
  await page.getByRole("link", { name: "SQL", exact: true }).click();
  await page.getByRole("textbox", { name: "SQL", exact: true }).waitFor();
  // Where nobody had to log in.
  assert.equal(await page.getByRole("button", { name: "Log out" }).isVisible(), false);
});

test("live numbers move, and say stale when the stream is cut", async ({ page, server }) => {
  const number = page.locator("header [data-metric=accepted]");
  await page.locator("header [data-metric=accepted]", { hasText: /\d/ }).waitFor();
  const before = await number.innerText();
  await page.waitForFunction(
    (old) => document.querySelector("[data-metric=accepted]")?.textContent !== old,
    before,
  );
  await page.locator("[data-live=live]").waitFor();
  server.cutLive(true);
  await page.locator("[data-live=stale]").waitFor();
  await page.getByText(/^Stale: the live connection is cut/).waitFor();
  server.cutLive(false);
  await page.locator("[data-live=live]").waitFor();
}, { at: "#/dashboard", expects: [/503|ERR_|EventSource/] });

test("the dashboard tells each chart in words and as a table", async ({ page }) => {
  await page.getByText(/^Over .*: now \d+ events a second/).waitFor();
  await page.getByText("1 Stale", { exact: false }).count();
  const panel = page.getByRole("region", { name: "Events a second" });
  await panel.getByText("As a table").click();
  await panel.getByRole("columnheader", { name: "transaction" }).waitFor();
  await page.getByRole("region", { name: "Orders and revenue by currency" }).getByRole("row", { name: /EUR/ })
    .waitFor();
  await page.getByRole("region", { name: "Top products" }).getByRole("row", { name: /p_\d+/ }).first()
    .waitFor();
  await page.getByRole("region", { name: "Every event adds up" }).getByRole("row", { name: /stripe.*yes/ })
    .waitFor();
}, { at: "#/dashboard" });

test("long ranges are counted in the lake", async ({ page }) => {
  await page.getByText(/^Over .*: now \d+ events a second/).waitFor();
  await page.getByLabel("Time range").selectOption({ label: "24 hours" });
  await page.getByText(/^Over .*: last [\d.]+ events a second/).waitFor();
  await page.getByLabel("Events by").selectOption("sources");
  const panel = page.getByRole("region", { name: "Events a second" });
  await panel.locator(".chart-name", { hasText: "stripe" }).waitFor();
  await page.getByLabel("Time range").selectOption({ label: "15 minutes" });
  await page.getByText(/^Over .*: now \d+ events a second/).waitFor();
}, { at: "#/dashboard" });

test("forced colours keep the series of a chart apart", async ({ page }) => {
  await page.emulateMedia({ forcedColors: "active" });
  await page.reload();
  await page.getByText(/^Over .*: now \d+ events a second/).waitFor();
  const colours = () =>
    page.locator("worded-chart canvas").first().evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      if (canvas.width === 0 || canvas.height === 0) return 0;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Map<string, number>();
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] < 255) continue;
        const colour = data.slice(at, at + 3).join();
        seen.set(colour, (seen.get(colour) ?? 0) + 1);
      }
      return [...seen.values()].filter((pixels) => pixels > 500).length;
    });
  // The chart is drawn after its sentence.
  await eventually(colours, (count) => count >= 3, { what: "three colours" });
  await page.emulateMedia({ forcedColors: "none" });
}, { at: "#/dashboard" });

test("pausing holds the charts still", async ({ page }) => {
  const sentence = page.getByText(/^Over .*: now \d+ events a second/);
  await sentence.waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  const before = await sentence.innerText();
  await page.waitForTimeout(2_500);
  assert.equal(await sentence.innerText(), before);
  await page.getByRole("button", { name: "Resume" }).click();
}, { at: "#/dashboard" });

test(
  "a dead letter shows its original beside its errors and is replayed, corrected or not",
  async ({ page, server }) => {
    const asked: unknown[] = [];
    server.answers.set("POST /api/dead-letters/replay", async (request) => {
      asked.push(await request.json());
      return Response.json({ matched: 1, replayed: 1, skipped: 0 });
    });
    await page.getByLabel("Reason").selectOption("schema");
    const letters = async () => (await page.getByRole("row").allInnerTexts()).slice(1);
    const areChosen = (all: string[]) => all.length > 0 && all.every((text) => text.includes("schema"));
    await eventually(letters, areChosen, { what: "the chosen letters alone" });
    await page.getByRole("button", { name: "schema" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("<img src=x onerror=globalThis.hacked=1>").waitFor();
    await dialog.getByLabel("Original body").fill('{"event_id":"e_0","amount":1}');
    await dialog.getByRole("button", { name: "Replay this text instead" }).click();
    await page.getByText(/1 letter matched, 1 appended again/).waitFor();
    await page.getByRole("checkbox", { name: "Choose dl_0" }).check();
    await page.getByRole("button", { name: "Replay 1 chosen" }).click();
    await eventually(() => asked.length, (count) => count === 2, { what: "a second replay" });
    assert.deepEqual(asked, [{ ids: ["dl_0"], body: '{"event_id":"e_0","amount":1}' }, { ids: ["dl_0"] }]);
    await page.getByRole("button", { name: "See what became of them" }).click();
    await page.locator(".cm-content", { hasText: "WHERE replay_of IN ('dl_0')" }).waitFor();
  },
  { at: "#/dead-letters", expects: [/Binder|replay_of/] },
);

test("an alert is acknowledged, and its events open in the editor", async ({ page, server }) => {
  await page.getByText(/rapid_activity 7 times/).waitFor();
  await page.getByRole("button", { name: /^Acknowledge/ }).first().click();
  await page.getByRole("row").nth(1).getByText(/20\d\d-.*/).nth(1).waitFor();
  assert.ok(server.requests.includes("POST /api/alerts/al_0/ack"));
  await page.getByRole("button", { name: "rapid_activity" }).first().click();
  await page.getByRole("button", { name: "Open its events in the editor" }).click();
  await page.getByRole("gridcell", { name: "evt_1", exact: true }).waitFor();
  assert.equal((await rows(page)).cells.length, 3);
}, { at: "#/alerts" });

/** What a rule that counts tells of: the event at which it fired. */
function counted(rule: string, context: object) {
  const event_time = new Date(STARTED_MS + 212 * 7_000).toISOString();
  const place = { source: "demo", event_id: "evt_212", event_time, log_offset: 212 };
  return {
    ...place,
    alert_id: rule,
    rule,
    severity: "low",
    user_id: "user_37",
    description: "",
    trigger_event_ids: ["evt_212"],
    context,
  };
}

test("all events that a rule counted open in the editor", async ({ page, server }) => {
  const items = [
    counted("busy", { count: 3, window_ms: 3_600_000 }),
    counted("varied", { count: 2, field: "currency" }),
  ];
  const rules = [{ name: "busy" }, { name: "varied", among: 2 }];
  server.answers.set("GET /api/alerts", () => Response.json({ items, cursor: null }));
  server.answers.set("GET /api/rules", () => Response.json({ items: rules, cursor: null }));
  await page.getByRole("button", { name: "Refresh" }).click();
  for (
    const [rule, ids] of Object.entries({
      busy: ["evt_1", "evt_212", "evt_423", "evt_634"],
      varied: ["evt_212", "evt_1"],
    })
  ) {
    await page.getByRole("link", { name: "Alerts", exact: true }).click();
    await page.getByRole("button", { name: rule, exact: true }).click();
    await page.getByRole("button", { name: "Open its events in the editor" }).click();
    const all = async () => (await rows(page)).cells.flat().filter((cell) => cell.startsWith("evt_"));
    await eventually(all, (found) => found.join() === ids.join(), { what: `the events of ${rule}` });
  }
}, { at: "#/alerts" });

test("an alert that fires meanwhile is offered", async ({ page, server }) => {
  const fires = Promise.withResolvers<void>();
  const open = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const tell = (event: string, alert_id: string) =>
    new TextEncoder().encode(
      `event: ${event}\ndata: ${JSON.stringify({ metrics: {}, alerts: [{ alert_id }] })}\n\n`,
    );
  // The page may connect more than once, before the reload or after a cut: each stream that is open then tells it.
  server.answers.set("GET /api/live", () => {
    let mine: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        mine = controller;
        open.add(controller);
        controller.enqueue(tell("snapshot", "al_0"));
        fires.promise.then(() => open.has(controller) && controller.enqueue(tell("delta", "al_new")));
      },
      cancel() {
        open.delete(mine);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  await page.reload();
  await page.getByRole("button", { name: "Refresh" }).waitFor();
  await page.locator("[data-live=live]").waitFor();
  fires.resolve();
  const asked = () => server.requests.filter((one) => one === "GET /api/alerts").length;
  await page.getByRole("button", { name: "Show new alerts" }).waitFor();
  const before = asked();
  await page.getByRole("button", { name: "Show new alerts" }).click();
  await page.getByRole("button", { name: "Refresh" }).waitFor();
  await eventually(asked, (count) => count > before, { what: "another look at the list" });
  for (const stream of open) stream.close();
}, { at: "#/alerts", expects: [/ERR_|EventSource/] });

test(
  "a server that is away is told in plain words, and the page comes when it is back",
  async ({ page, server }) => {
    const away = /\/(api|readyz|assets\/\w+_page|$)/;
    await page.getByText(/^Working, as of/).waitFor();
    server.cutLive(true);
    await page.context().route(away, (route) => route.abort("connectionrefused"));
    await page.locator("[data-live=stale]").waitFor();
    await page.getByRole("region", { name: "Partitions" }).getByRole("alert").filter({
      hasText:
        "Millrace cannot be reached: it does not run, or the network is cut. It is tried again by itself.",
    }).waitFor();
    await page.getByRole("link", { name: "Rules", exact: true }).click();
    await page.getByText(/^Millrace cannot be reached: .* The page comes by itself as soon as it can\.$/)
      .waitFor();
    server.cutLive(false);
    await page.context().unroute(away);
    await page.getByRole("heading", { name: "Rules", level: 1 }).waitFor();
  },
  { at: "#/operations", expects: [/ERR_|EventSource|503/] },
);

test("rules are validated, tried and saved", async ({ page }) => {
  const text = page.getByLabel("Rules as YAML");
  await text.fill((await text.inputValue()).replace("threshold", "nonsense"));
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").filter({ hasText: "line 3: rules.0.kind nonsense is no known kind" })
    .waitFor();
  const said = await page.getByRole("region", { name: "Edit" }).innerText();
  assert.equal(said.split("nonsense").length, 2, "the fault is told once");
  const chosen = await text.evaluate((area) => {
    const { value, selectionStart, selectionEnd } = area as HTMLTextAreaElement;
    return value.slice(selectionStart, selectionEnd);
  });
  assert.match(chosen, /nonsense/);
  await text.fill((await text.inputValue()).replace("nonsense", "threshold").replace("10000", "9000"));
  await page.getByRole("button", { name: "Try on the past" }).click();
  await page.getByText(/would have raised 9 alerts in 4,000 events/).waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved as version 77aa01.").waitFor();
}, { at: "#/rules", expects: [/400/] });

test(
  "rules that are not saved survive leaving the page, until they are discarded",
  async ({ page, server }) => {
    const text = page.getByLabel("Rules as YAML");
    const saved = await text.inputValue();
    await text.fill(`${saved}# to be thought about\n`);
    await page.getByRole("link", { name: "Tables", exact: true }).click();
    await page.getByRole("heading", { name: "Tables", level: 1 }).waitFor();
    await page.getByRole("link", { name: "Rules", exact: true }).click();
    await page.getByText("Not saved yet; this browser keeps the text.", { exact: true }).waitFor();
    assert.match(await text.inputValue(), /# to be thought about/);
    const rules = await (await fetch(`${server.url}/api/rules`)).json();
    server.answers.set("GET /api/rules", () => Response.json({ ...rules, version: "another" }));
    await page.reload();
    await page.getByText(/The rules have changed since it was begun/).waitFor();
    assert.match(await text.inputValue(), /# to be thought about/);
    await page.getByRole("button", { name: "Discard changes" }).click();
    assert.equal(await text.inputValue(), saved);
    await page.reload();
    await page.getByRole("button", { name: "Save" }).waitFor();
    assert.equal(await text.inputValue(), saved);
  },
  { at: "#/rules" },
);

test("rules that others have saved meanwhile are not overwritten unawares", async ({ page, server }) => {
  const text = page.getByLabel("Rules as YAML");
  await text.fill(`${await text.inputValue()}# mine\n`);
  const rules = await (await fetch(`${server.url}/api/rules`)).json();
  const theirs = { ...rules, version: "theirs", yaml: `${rules.yaml}# theirs\n` };
  server.answers.set("GET /api/rules", () => Response.json(theirs));
  const puts = () => server.requests.filter((one) => one === "PUT /api/rules").length;
  const before = puts();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").filter({ hasText: "others have saved version theirs" }).waitFor();
  assert.equal(puts(), before);
  assert.match(await text.inputValue(), /# mine/);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved as version").waitFor();
  assert.equal(puts(), before + 1);
}, { at: "#/rules" });

test("a file of rules that is refused is told beside those in force", async ({ page, server }) => {
  const rules = await (await fetch(`${server.url}/api/rules`)).json();
  server.answers.set("GET /api/rules", () => Response.json({ ...rules, problem: "line 3: no such kind" }));
  await page.reload();
  await page.getByText("The file of rules is not in force: line 3: no such kind").waitFor();
}, { at: "#/rules" });

test("a letter that was corrected by hand stays open until it is replayed", async ({ page, server }) => {
  server.answers.set("POST /api/dead-letters/replay", () => new Response("no", { status: 503 }));
  await page.getByRole("button", { name: "schema" }).first().click();
  const text = page.getByRole("textbox", { name: "Original body" });
  await text.fill("corrected by hand");
  await page.getByRole("button", { name: "Replay this text instead" }).click();
  await page.getByRole("dialog").getByRole("alert").waitFor();
  assert.equal(await text.inputValue(), "corrected by hand");
  server.answers.set(
    "POST /api/dead-letters/replay",
    () => Response.json({ matched: 1, replayed: 1, skipped: 0 }),
  );
  await page.getByRole("button", { name: "Replay this text instead" }).click();
  await page.getByText("1 letter matched, 1 appended again").waitFor();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}, { at: "#/dead-letters", expects: [/503/] });

test("charts of a page that was left are let go of", async ({ page }) => {
  const session = await page.context().newCDPSession(page);
  const charts = async () => {
    const expression = "customElements.get('worded-chart').prototype";
    const { result: { objectId: prototypeObjectId } } = await session.send("Runtime.evaluate", {
      expression,
    });
    assert.ok(prototypeObjectId);
    const objectGroup = "charts";
    const { objects } = await session.send("Runtime.queryObjects", { prototypeObjectId, objectGroup });
    const { result } = await session.send("Runtime.callFunctionOn", {
      objectId: objects.objectId,
      functionDeclaration: "function () { return this.length; }",
    });
    await session.send("Runtime.releaseObjectGroup", { objectGroup });
    return Number(result.value);
  };
  const visit = async () => {
    await page.getByRole("link", { name: "Dashboard", exact: true }).click();
    await page.getByText(/^Over .*: now \d+ events a second/).waitFor();
    await page.getByRole("link", { name: "Rules", exact: true }).click();
    await page.getByRole("heading", { name: "Rules", level: 1 }).waitFor();
  };
  for (let times = 0; times < 2; times++) await visit();
  const before = await charts();
  for (let times = 0; times < 3; times++) await visit();
  await eventually(charts, (count) => count <= before, { what: "as many charts as before" });
}, { at: "#/rules" });

test("the way back leaves no dialog behind", async ({ page }) => {
  await page.getByRole("link", { name: "Alerts", exact: true }).click();
  await page.getByRole("button", { name: "amount_anomaly" }).first().click();
  await page.getByRole("dialog").waitFor();
  await page.goBack();
  await page.getByRole("heading", { name: "Tables", level: 1 }).waitFor();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}, { at: "#/tables" });

test("a text that is selected beyond the edge of a dialog does not close it", async ({ page }) => {
  await page.getByRole("button", { name: "schema" }).first().click();
  const text = page.getByRole("textbox", { name: "Original body" });
  await text.fill("corrected by hand");
  const box = (await text.boundingBox())!;
  await page.mouse.move(box.x + 60, box.y + 12);
  await page.mouse.down();
  await page.mouse.move(2, 2, { steps: 5 });
  await page.mouse.up();
  assert.equal(await text.inputValue(), "corrected by hand");
  await page.mouse.click(2, 2);
  await page.getByRole("dialog").waitFor({ state: "detached" });
}, { at: "#/dead-letters" });

test("what is drawn again and again keeps the focus and says nothing twice", async ({ page, server }) => {
  await page.locator(".alert-feed a").first().focus();
  const heard = page.locator("header [data-metric=accepted]");
  const before = await heard.innerText();
  const spoken = await page.evaluateHandle(() => {
    const said: string[] = [];
    new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes) {
        for (const node of [target, ...addedNodes]) {
          const element = node instanceof Element ? node : node.parentElement;
          const region = element?.closest("[role=alert], [role=status]");
          if (region) said.push(region.outerHTML.slice(0, 80));
        }
      }
    }).observe(document.getElementById("main")!, { subtree: true, childList: true, characterData: true });
    return said;
  });
  await page.waitForFunction(
    (old) => document.querySelector("[data-metric=accepted]")?.textContent !== old,
    before,
  );
  await page.getByText(/^Over .*: now \d+ events a second/).waitFor();
  const status = () => server.requests.filter((one) => one === "GET /api/status").length;
  assert.equal(await page.evaluate(() => document.activeElement?.closest(".alert-feed") !== null), true);
  await page.evaluate(() => location.hash = "#/operations");
  await page.getByText(/^Working, as of/).waitFor();
  await page.evaluate((said) => said.length = 0, spoken);
  const asked = status();
  await eventually(status, (count) => count > asked + 1, { what: "the status asked for again" });
  assert.deepEqual(await spoken.jsonValue(), []);
}, { at: "#/dashboard" });

test("acknowledging goes on with the next alert by keyboard", async ({ page }) => {
  const buttons = page.getByRole("button", { name: /^Acknowledge/ });
  await buttons.first().waitFor();
  const count = await buttons.count();
  await buttons.first().focus();
  await page.keyboard.press("Enter");
  await eventually(() => buttons.count(), (left) => left === count - 1, { what: "one acknowledged" });
  await page.waitForFunction(() => document.activeElement?.textContent === "Acknowledge");
}, { at: "#/alerts" });

test("a fault far down in the rules is brought into sight", async ({ page }) => {
  const text = page.getByLabel("Rules as YAML");
  const filler = Array.from({ length: 200 }, (_, at) => `# line ${at} ${"long ".repeat(at % 60)}`).join("\n");
  await text.fill(`${filler}\nrules: nonsense\n${filler}\n`);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").filter({ hasText: "line 201" }).waitFor();
  const middle = await text.evaluate((area) => (area.scrollTop + area.clientHeight / 2) / area.scrollHeight);
  assert.ok(Math.abs(middle - 0.5) < 0.01, `the middle of what is seen is at ${middle}`);
}, { at: "#/rules", expects: [/400/] });

test("a table's past is a slider, and any moment of it can be queried", async ({ page }) => {
  await page.getByText(/2 files added, 0 removed, \+1,000 rows/).waitFor();
  const slider = page.getByRole("slider", { name: "Snapshot" });
  await slider.focus();
  await page.keyboard.press("Home");
  await page.getByText(/Snapshot 1 of 3 kept: append, 2,000 rows/).waitFor();
  await page.getByLabel("Compare with").selectOption({ index: 1 });
  await page.getByText(/0 files added, \d+ removed, -2,000 rows/).waitFor();
  await page.getByRole("button", { name: "Query the table as of then" }).click();
  await page.getByRole("gridcell").first().waitFor();
  await page.getByRole("button", { name: /^As of 20/ }).waitFor();
}, { at: "#/tables/processed.transactions" });

test("the records of a partition open by offset", async ({ page }) => {
  await page.getByText(/^Working, as of/).waitFor();
  await page.getByRole("row", { name: /31,204/ }).waitFor();
  await page.getByLabel("From offset").fill("12");
  await page.getByRole("button", { name: "Show records" }).click();
  await page.locator(".cm-content", { hasText: "log_partition = 0 AND log_offset >= 12" }).waitFor();
}, { at: "#/operations", expects: [/Binder|column/] });

test("every control has a name", async ({ page, server }) => {
  for (const name of PAGES) {
    await page.goto(`${server.url}/#/${name}`);
    await page.waitForTimeout(800);
    assert.deepEqual(await nameless(page), [], name);
  }
});

/** Controls that a screen reader could only call "button". */
function nameless(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>(
      "button, input, select, textarea, a, [role=grid], [role=slider]",
    )]
      .filter((one) => {
        const label = one.closest("label")?.textContent ?? "";
        const named = one.getAttribute("aria-label") ?? one.textContent ?? "";
        return `${label}${named}${one.title}`.trim() === "" && one.offsetParent !== null;
      })
      .map((one) => one.outerHTML.slice(0, 120))
  );
}

test("the whole way of a query goes with the keyboard alone", async ({ page }) => {
  await page.getByRole("textbox", { name: "SQL", exact: true }).waitFor();
  await page.getByRole("gridcell").first().waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to content");
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("query raw.ev");
  await page.keyboard.press("Enter");
  await page.getByRole("columnheader", { name: "outcome" }).waitFor();
  await rows(page);
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("keys");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  const active = await page.getByRole("grid").getAttribute("aria-activedescendant");
  assert.match(active ?? "", /-1-1$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "kind, row 2" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("gridcell").first().click();
  assert.equal(await page.getByRole("grid").evaluate((grid) => grid === document.activeElement), true);
});

/** How far the element's content is wider than the element. */
const cutPixels = (element: HTMLElement | SVGElement) => element.scrollWidth - element.clientWidth;

test("at 1280 pixels nothing is cut and the editor's buttons stand in one line", async ({ page, server }) => {
  await page.getByRole("row", { name: /merchant_diversity_spike/ }).waitFor();
  const table = page.getByRole("region", { name: "Rules in force" }).last();
  assert.equal(await table.evaluate(cutPixels), 0, "the rules in force are cut");
  const { items } = await (await fetch(`${server.url}/api/tables`)).json();
  const known = items.find((one: { kind: string }) => one.kind === "table");
  const long = { ...known, name: "processed.a_table_with_quite_a_long_name_of_its_own", rows: 12_345_678 };
  server.answers.set("GET /api/tables", () => Response.json({ items: [...items, long], cursor: null }));
  await page.goto(`${server.url}/#/sql`);
  const note = page.getByRole("treeitem", { name: /a_table_with_quite/ }).locator(".tree-note");
  await note.waitFor();
  assert.equal(await note.evaluate(cutPixels), 0, "the number of rows is cut");
  await page.getByRole("button", { name: "As of now" }).click();
  await page.getByRole("button", { name: "Use this snapshot" }).click();
  await page.getByRole("button", { name: /^As of 20/ }).waitFor();
  await page.locator(".estimate", { hasText: "reads at most" }).waitFor();
  const tops = await page.locator(".toolbar .button").evaluateAll((all) =>
    new Set(all.map((one) => Math.round(one.getBoundingClientRect().top + one.clientHeight / 2))).size
  );
  assert.equal(tops, 1, "the toolbar is broken");
}, { at: "#/rules" });

test(
  "at 390 pixels the active query and the way to acknowledge are on the screen",
  async ({ page, server }) => {
    const isSeen = (locator: Locator) =>
      locator.evaluate((element) => {
        const { left, right } = element.getBoundingClientRect();
        return left >= 0 && right <= innerWidth && element.contains(
          document.elementFromPoint((left + right) / 2, element.getBoundingClientRect().top + 4),
        );
      });
    await page.getByRole("tab", { selected: true }).waitFor();
    for (let more = 0; more < 5; more++) await page.getByRole("button", { name: "New query" }).click();
    const active = page.getByRole("tab", { selected: true });
    await eventually(() => isSeen(active), Boolean, { what: "the active query in sight" });
    await page.reload();
    await active.waitFor();
    await eventually(() => isSeen(active), Boolean, { what: "the active query in sight after a reload" });
    await page.goto(`${server.url}/#/alerts`);
    const button = page.getByRole("button", { name: /^Acknowledge/ }).first();
    await button.waitFor();
    await button.evaluate((element) => scrollBy(0, element.getBoundingClientRect().top - innerHeight / 2));
    assert.ok(await isSeen(button), "the button is off the screen");
  },
  { width: 390, height: 844 },
);

for (const dark of [false, true]) {
  test(`every page fits 360 pixels${dark ? " in the dark" : ""}`, async ({ page, server }) => {
    for (const name of PAGES) {
      await page.goto(`${server.url}/#/${name}`);
      await page.waitForTimeout(1_200);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
    }
  }, { width: 360, height: 740, dark });
}

test("page, scripts and worker carry the strict policy", async ({ page, server }) => {
  const addresses = await page.evaluate(() => [
    location.href,
    ...[...document.scripts].map((one) => one.src),
    document.querySelector<HTMLMetaElement>("meta[name=engine-worker]")!.content,
  ]);
  for (const address of addresses) {
    const response = await fetch(new URL(address, server.url));
    const policy = response.headers.get("content-security-policy") ?? "";
    await response.body?.cancel();
    assert.match(policy, /script-src 'self' 'wasm-unsafe-eval'/);
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')/);
  }
  assert.equal(await page.locator("script:not([src]), [style*=expression], [onclick]").count(), 0);
});
