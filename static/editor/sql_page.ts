/** The SQL page: tables on the left, query tabs with the editor above, results below, and the data's age at the foot. */
import type { EditorView } from "@codemirror/view";
import { assetsOfPage, startEngine } from "../engine/engine.ts";
import { Lake, type TableInfo } from "../engine/lake.ts";
import { EngineSession } from "../engine/session.ts";
import { append, h, icon, ICONS } from "../shared/dom.ts";
import { duration, utc } from "../shared/format.ts";
import type { ShowPage } from "../shared/page.ts";
import { type Statement, statementAt, statementsOf } from "../sql/statements.ts";
import { createEditor, type EditorActions, editorState, markFaults } from "./editor_view.ts";
import { placeOfFault, sentenceOf } from "./fault_place.ts";
import { type Outcome, QueryRunner, StatementFault } from "./query_run.ts";
import { ResultsPanel } from "./results_panel.ts";
import { Schemas, SchemaTree } from "./schema_tree.ts";
import { TabStore } from "./tab_store.ts";
import { tabBar } from "./tab_bar.ts";
import { welcome } from "./welcome.ts";

const TABLES_EVERY_MS = 10_000;

export const show: ShowPage = (place, context) => {
  const page = new SqlPage();
  append(place, page.element);
  const takeOver = () => {
    for (let query = context.takeQuery(); query; query = context.takeQuery()) {
      page.tabs.open(query.sql, query.title, { as_of: query.as_of });
      page.run("all");
    }
  };
  place.addEventListener("page-shown", takeOver);
  page.start();
  takeOver();
};

class SqlPage {
  readonly element: HTMLElement;
  readonly tabs = new TabStore(localStorage);
  readonly session = new EngineSession(() => startEngine(assetsOfPage()));
  readonly lake = new Lake(this.session);
  readonly runner = new QueryRunner(this.session, this.lake);
  readonly results = new ResultsPanel();
  readonly tree: SchemaTree;
  readonly #run = h(
    "button",
    {
      type: "button",
      class: "button primary",
      title: "Run the statement at the cursor or the selection (Ctrl+Enter)",
    },
    icon(ICONS.play),
    "Run",
  );
  readonly #cancel = h(
    "button",
    { type: "button", class: "button", disabled: true, title: "Cancel (Esc)" },
    "Cancel",
  );
  readonly #asOf = h("span", { class: "as-of", "data-as-of": true });
  readonly #engineState = h("span", { class: "muted" }, "engine not started");
  readonly #editorBox = h("div", { class: "editor-box" });
  #editor!: EditorView;
  #running: AbortController | null = null;
  #committedAt: string | null = null;

  constructor() {
    this.tree = new SchemaTree(this.lake, new Schemas(), {
      insert: (text) => this.#insert(text),
      look: (table) => this.#look(table),
      profile: () => undefined,
    });
    this.#run.addEventListener("click", () => this.run("cursor"));
    this.#cancel.addEventListener("click", () => this.cancel());
    this.element = h(
      "div",
      { class: "workbench" },
      h("aside", { class: "side", "aria-label": "Tables" }, this.tree.element),
      h(
        "section",
        { class: "query", "aria-label": "Query" },
        tabBar(this.tabs),
        welcome((example) => {
          this.tabs.open(example.sql, example.title);
          this.run("all");
        }),
        this.#editorBox,
        h("div", { class: "toolbar" }, this.#run, this.#cancel),
        this.results.element,
      ),
      h("footer", { class: "status-bar" }, this.#asOf, this.#engineState),
    );
  }

  start(): void {
    const actions: EditorActions = {
      run: () => this.run("cursor"),
      runAll: () => this.run("all"),
      cancel: () => this.cancel(),
      format: () => undefined,
      changed: (text) => {
        this.tabs.setText(text);
        markFaults(this.#editor, []);
      },
    };
    this.#editor = createEditor({
      parent: this.#editorBox,
      text: this.tabs.active.text,
      actions,
      extensions: [],
    });
    this.tabs.addEventListener("switch", () => {
      this.#editor.setState(editorState(this.tabs.active.text, actions, []));
      this.#editor.focus();
    });
    setInterval(() => this.#showAge(), 1000);
    setInterval(() => this.#refresh(), TABLES_EVERY_MS);
    this.#showAge();
    this.#begin();
  }

  async #begin(): Promise<void> {
    await this.#refresh();
    try {
      this.#engineState.textContent = "engine starting…";
      const engine = await this.session.engine();
      this.#engineState.textContent = `DuckDB ${engine.version} in your browser`;
    } catch (error) {
      this.#engineState.textContent = "engine not running";
      this.results.message("bad", messageOf(error));
      return;
    }
    if (this.tabs.active.isStarter) this.run("all");
  }

  async #refresh(): Promise<void> {
    try {
      const tables = await this.lake.refresh();
      this.#newest(tables);
      this.tree.draw();
    } catch (error) {
      console.warn("Cannot list the tables:", error);
    }
  }

  #newest(tables: readonly (TableInfo & { committed_at?: string | null })[]): void {
    const times = tables.map((table) => table.committed_at).filter((time) => typeof time === "string").sort();
    if (!this.#committedAt) this.#committedAt = times.at(-1) ?? null;
  }

  /** Runs the selection, else the statement at the cursor, else everything. */
  async run(what: "cursor" | "all"): Promise<void> {
    this.cancel();
    const statements = this.#statements(what);
    if (statements.length === 0) return;
    const running = new AbortController();
    this.#running = running;
    this.#setRunning(true);
    markFaults(this.#editor, []);
    this.results.begin();
    try {
      const outcomes = await this.runner.run(statements, { as_of: this.tabs.active.as_of }, running.signal, {
        started: (result) => this.results.started(result),
        grown: (result) => this.results.grown(result),
      });
      this.#noteAge(outcomes);
      this.results.finished(outcomes);
    } catch (error) {
      this.#fail(error);
    } finally {
      if (this.#running === running) {
        this.#running = null;
        this.#setRunning(false);
      }
    }
  }

  cancel(): void {
    this.#running?.abort();
  }

  #statements(what: "cursor" | "all"): Statement[] {
    const { state } = this.#editor;
    const text = state.doc.toString();
    const { from, to, head } = state.selection.main;
    if (from !== to) {
      return statementsOf(text.slice(from, to)).map((one) => ({
        ...one,
        from: one.from + from,
        to: one.to + from,
      }));
    }
    if (what === "all") return statementsOf(text);
    const at = statementAt(text, head);
    return at ? [at] : [];
  }

  #fail(error: unknown): void {
    if (error instanceof Error && (error.name === "Cancelled" || error.name === "AbortError")) {
      this.results.message("warn", error.name === "Cancelled" ? error.message : "Cancelled");
      return;
    }
    const message = messageOf(error);
    this.results.message("bad", sentenceOf(message));
    if (error instanceof StatementFault) {
      const { statement } = error;
      markFaults(this.#editor, [{
        ...placeOfFault(message, statement.text, statement.from),
        message: sentenceOf(message),
      }]);
    }
  }

  #noteAge(outcomes: readonly Outcome[]): void {
    const times = outcomes.flatMap((one) => one.prepared.tables.map((table) => table.committed_at));
    const newest = times.filter((time) => time !== null).sort().at(-1);
    if (newest) this.#committedAt = newest;
    this.#showAge();
  }

  #showAge(): void {
    const time = this.tabs.active.as_of ?? this.#committedAt;
    const age = time ? (Date.now() - Date.parse(time)) / 1000 : null;
    this.#asOf.textContent = time ? `Data as of ${utc(time)} UTC (${duration(age)} ago)` : "Data as of –";
  }

  #setRunning(isRunning: boolean): void {
    this.#run.disabled = isRunning;
    this.#cancel.disabled = !isRunning;
    this.element.classList.toggle("is-running", isRunning);
  }

  #insert(text: string): void {
    const { from, to } = this.#editor.state.selection.main;
    this.#editor.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length } });
    this.#editor.focus();
  }

  #look(table: TableInfo): void {
    const short = table.name.slice(table.name.indexOf(".") + 1);
    this.tabs.open(`SELECT * FROM ${table.name} LIMIT 1000;\n`, short);
    this.run("all");
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
