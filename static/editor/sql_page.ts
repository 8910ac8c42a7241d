/** The SQL page: tables on the left, query tabs with the editor above, results below, and the data's age at the foot. */
import { messageOf } from "../../lib/errors.ts";
import type { TableInfo } from "../engine/lake.ts";
import { append, h, icon, ICONS, replace } from "../shared/dom.ts";
import { bytes, duration, plural, utc } from "../shared/format.ts";
import type { PageContext, ShowPage } from "../shared/page.ts";
import { hashOf, pageOf } from "../shared/place.ts";
import { acceptDroppedFiles } from "./dropped_file.ts";
import { createEditor, type EditorActions, editorState, markFaults } from "./editor_view.ts";
import { explain } from "./explain.ts";
import { loadFunctions } from "./functions.ts";
import { MomentPicker } from "./moment_picker.ts";
import { listenForKeys, openQueries, saveQuery, shareQuery } from "./page_actions.ts";
import { ParameterForm } from "./parameter_form.ts";
import { profileColumn } from "./profile.ts";
import { SchemaTree } from "./schema_tree.ts";
import { isoTime, unpackQuery } from "./share.ts";
import { sideToggle } from "./side_toggle.ts";
import { splitter } from "./splitter.ts";
import { tabBar } from "./tab_bar.ts";
import { STARTER_TABLE } from "./tab_store.ts";
import { welcome } from "./welcome.ts";
import { Workbench } from "./workbench.ts";

const TABLES_EVERY_MS = 10_000;
const ESTIMATE_AFTER_MS = 700;
const WAITING_MS = 1_000;
const UNKEPT =
  "This browser cannot keep the tabs: its storage is full or closed. What they hold is lost with the page.";
/** Above this a query is offered to the server. */
const MUCH_BYTES = 150_000_000;

export const show: ShowPage = (place, context) => {
  const page = new SqlPage();
  append(place, page.element);
  place.addEventListener("page-shown", () => page.comeBack(context));
  page.start();
  page.takeOver(context);
};

class SqlPage {
  readonly element: HTMLElement;
  readonly bench = new Workbench();
  readonly #tree: SchemaTree;
  readonly #moment = new MomentPicker(() => this.bench.tablesAtHand(), (as_of) => this.#setMoment(as_of));
  readonly #parameters = new ParameterForm(() => this.bench.run("cursor"));
  readonly #run = button(
    "Run",
    () => this.bench.run("cursor"),
    "Run the statement at the cursor or the selection (Ctrl+Enter)",
  );
  readonly #cancel = button("Cancel", () => this.bench.cancel(), "Cancel (Esc)");
  readonly #server = button(
    "Run on the server",
    () => this.bench.runOnServer(),
    "Run the statement at the cursor in the server's engine",
  );
  readonly #estimate = h("span", { class: "estimate number" });
  readonly #asOf = h("span", { class: "as-of", "data-as-of": true });
  readonly #engineState = h("span", { class: "muted" }, "engine not started");
  readonly #editorBox = h("div", { class: "editor-box" });
  readonly #resultsPlace = h("div", { class: "results-place" });
  #estimating = new AbortController();
  #estimateTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const { bench } = this;
    // The engine takes longest, so it begins first; whether it came is asked later.
    bench.session.engine().catch(() => undefined);
    this.#tree = new SchemaTree(bench.lake, bench.schemas, {
      insert: (text) => bench.insert(text),
      look: (table) => this.#look(table),
      profile: (table, column) => profileColumn(bench, table, column),
    });
    this.#run.prepend(icon(ICONS.play));
    this.#run.classList.add("primary");
    this.#cancel.disabled = true;
    const side = h("aside", { class: "side", id: "tables-side", "aria-label": "Tables" }, this.#tree.element);
    const query = h(
      "section",
      { class: "query", "aria-label": "Query" },
      h("div", { class: "query-top" }, sideToggle(side), tabBar(bench.tabs)),
      welcome((example) => {
        bench.open(example.sql, example.title);
        bench.run("all");
      }),
      this.#editorBox,
    );
    append(query, splitter(query), this.#toolbar(), this.#parameters.element, this.#resultsPlace);
    replace(this.#resultsPlace, bench.results.element);
    const status = h("footer", { class: "status-bar" }, this.#asOf, this.#engineState);
    this.element = h("div", { class: "workbench" }, side, query, status);
    acceptDroppedFiles(this.element, bench);
  }

  #toolbar(): HTMLElement {
    const { bench } = this;
    return h(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Query" },
      this.#run,
      this.#cancel,
      this.#moment.element,
      this.#server,
      this.#estimate,
      h(
        "span",
        { class: "toolbar-end" },
        button("Format", () => bench.format(), "Format (Shift+Alt+F)", "quiet"),
        button(
          "Explain",
          () => explain(bench, "EXPLAIN"),
          "Show the plan of the statement at the cursor",
          "quiet",
        ),
        button("Save", () => saveQuery(bench), "Save this query under a name (Ctrl+S)", "quiet"),
        button("History", () => openQueries(bench), "Saved queries and history (Alt+H)", "quiet"),
        button("Share", () => shareQuery(bench), "Copy a link that opens this query", "quiet"),
      ),
    );
  }

  start(): void {
    const { bench } = this;
    const actions: EditorActions = {
      run: () => bench.run("cursor"),
      runAll: () => bench.run("all"),
      cancel: () => bench.cancel(),
      format: () => bench.format(),
      changed: (text) => {
        bench.tabs.setText(text);
        markFaults(bench.editor, []);
        this.#textChanged();
      },
      complete: bench.completion.source,
    };
    bench.editor = createEditor({ parent: this.#editorBox, text: bench.tabs.active.text, actions });
    bench.tabs.addEventListener("switch", () => {
      bench.showTab((text) => editorState(text, actions));
      replace(this.#resultsPlace, bench.results.element);
      bench.editor.focus();
      this.#textChanged();
    });
    bench.addEventListener("state", () => this.#showState());
    bench.addEventListener("age", () => this.#showAge());
    listenForKeys(this.element, bench, (table) => this.#look(table));
    addEventListener("pagehide", () => bench.tabs.save());
    bench.tabs.addEventListener("unkept", () => bench.results.message("warn", UNKEPT), { once: true });
    setInterval(() => this.#showAge(), 1000);
    setInterval(() => document.hidden || !this.element.isConnected || this.#refresh(), TABLES_EVERY_MS);
    this.#textChanged();
    this.#begin();
  }

  /** The page stood aside while another was looked at. */
  async comeBack(context: PageContext): Promise<void> {
    await Promise.all([this.#refresh(), this.takeOver(context)]);
  }

  /** Opens what another page handed over, which runs, and what a link carries, which does not. */
  async takeOver(context: PageContext): Promise<void> {
    for (let query = context.takeQuery(); query; query = context.takeQuery()) {
      this.bench.open(query.sql, query.title, query.as_of);
      this.bench.run("all");
    }
    const { query } = pageOf(location.hash);
    const packed = query.get("q");
    if (!packed) return;
    const as_of = isoTime(query.get("as_of"));
    history.replaceState(null, "", hashOf("sql"));
    const sql = await unpackQuery(packed);
    if (sql === null) {
      return this.bench.results.message("bad", "The link holds no query: it may have been cut.");
    }
    this.bench.open(sql, "Shared query", as_of);
    this.bench.results.message("warn", "This query came with a link. Read it, then press Run.");
  }

  async #begin(): Promise<void> {
    const { bench } = this;
    const tables = this.#refresh();
    try {
      this.#engineState.textContent = "engine starting…";
      const engine = await bench.session.engine();
      this.#engineState.textContent = `DuckDB ${engine.version} in your browser`;
    } catch (error) {
      this.#engineState.textContent = "engine not running";
      const again = button("Try again", () => this.#begin(), "Start the engine once more", "small");
      bench.results.message("bad", `${messageOf(error)} `, again);
      return;
    }
    await tables;
    const starter = this.#runStarter();
    bench.completion.functions = await loadFunctions(bench.session);
    await starter;
  }

  /** The query of the first screen runs by itself once there is something to see, unless somebody was faster. */
  async #runStarter(): Promise<void> {
    const { bench } = this;
    while (bench.tabs.active.isStarter && !bench.isRunning) {
      const table = bench.lake.tables.find((one) => one.name === STARTER_TABLE);
      if (Number(table?.rows ?? 0) > 0) return await bench.run("all");
      bench.results.waiting(
        "No transactions yet. They appear here by themselves, some seconds after the first event.",
      );
      await new Promise((resolve) => setTimeout(resolve, WAITING_MS));
      await this.#refresh();
    }
  }

  async #refresh(): Promise<void> {
    try {
      const tables = await this.bench.lake.refresh();
      const times = tables.map((table) => table.committed_at).filter((time) => typeof time === "string")
        .sort();
      this.bench.committedAt = times.at(-1) ?? null;
      this.bench.schemas.forget();
      this.#tree.draw();
    } catch (error) {
      console.warn("Cannot list the tables:", error);
    }
  }

  #textChanged(): void {
    const tab = this.bench.tabs.active;
    tab.values ??= {};
    this.#parameters.show(this.bench.text, tab.values);
    this.#moment.show(tab.as_of);
    this.#showAge();
    clearTimeout(this.#estimateTimer);
    this.#estimateTimer = setTimeout(() => this.#showEstimate(), ESTIMATE_AFTER_MS);
  }

  async #showEstimate(): Promise<void> {
    this.#estimating.abort();
    this.#estimating = new AbortController();
    const { signal } = this.#estimating;
    try {
      const estimate = await this.bench.estimate(signal);
      if (signal.aborted) return;
      const isMuch = estimate !== null && estimate.bytes > MUCH_BYTES;
      this.#estimate.classList.toggle("is-much", isMuch);
      this.#server.classList.toggle("is-advised", isMuch);
      const pruned = estimate && estimate.pruned_files > 0 ? `, ${estimate.pruned_files} pruned` : "";
      this.#estimate.textContent = estimate && estimate.files > 0
        ? `${isMuch ? "better on the server: " : ""}reads at most ${bytes(estimate.bytes)} in ${
          plural(estimate.files, "file")
        }${pruned}`
        : "";
      this.#estimate.title = this.#estimate.textContent;
    } catch {
      // The run itself will say what is wrong; without an estimate there is nothing to show.
      if (!signal.aborted) this.#estimate.textContent = "";
    }
  }

  #showAge(): void {
    const { tabs, results, committedAt } = this.bench;
    const time = tabs.active.as_of ?? results.committedAt ?? committedAt;
    const age = time ? (Date.now() - Date.parse(time)) / 1000 : null;
    const text = time ? `Data as of ${utc(time)} UTC (${duration(age)} ago)` : "Data as of –";
    if (this.#asOf.textContent !== text) this.#asOf.textContent = text;
    this.#asOf.classList.toggle("is-past", tabs.active.as_of !== null);
  }

  #showState(): void {
    const { isRunning } = this.bench;
    this.#run.disabled = this.#server.disabled = isRunning;
    this.#cancel.disabled = !isRunning;
    this.element.classList.toggle("is-running", isRunning);
  }

  #setMoment(as_of: string | null): void {
    this.bench.tabs.setMoment(as_of);
    this.#textChanged();
    this.bench.run("cursor");
  }

  #look(table: TableInfo): void {
    this.bench.open(
      `SELECT * FROM ${table.name} LIMIT 1000;\n`,
      table.name.slice(table.name.indexOf(".") + 1),
    );
    this.bench.run("all");
  }
}

function button(label: string, action: () => void, title: string, look = ""): HTMLButtonElement {
  return h("button", { type: "button", class: `button ${look}`.trim(), title, on: { click: action } }, label);
}
