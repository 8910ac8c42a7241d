/** The state and the actions of the SQL page: tabs, engine, tables, what runs. The page around it only draws. */
import { messageOf } from "../../lib/errors.ts";
import type { EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { startEngineOfPage } from "../engine/start.ts";
import { type Estimate, Lake } from "../engine/lake.ts";
import { runOnServer } from "../engine/server_rows.ts";
import { EngineSession, orCancelled } from "../engine/session.ts";
import { ApiProblem } from "../shared/api.ts";
import { browserStorage } from "../shared/browser_storage.ts";
import { h } from "../shared/dom.ts";
import { NeedsExtension } from "../engine/engine_error.ts";
import { formatSql } from "../sql/format.ts";
import { NameIndex, tablesIn } from "../sql/names.ts";
import { bindParameters } from "../sql/parameters.ts";
import { type Statement, statementAt, statementsOf } from "../sql/statements.ts";
import { SqlCompletion } from "./completion.ts";
import { markFaults } from "./editor_view.ts";
import { exportRows } from "./export.ts";
import { placeAt, placeOfFault, sentenceOf } from "./fault_place.ts";
import { Library } from "./library.ts";
import { MAX_ROWS, type Outcome, QueryRunner, type RunnableStatement, StatementFault } from "./query_run.ts";
import { ResultsPanel } from "./results_panel.ts";
import { Schemas } from "./schemas.ts";
import { TabStore } from "./tab_store.ts";

/** Tabs whose results are kept while others are looked at. */
const MAX_PANELS = 8;

/** Emits `state` when something began or ended to run, `age` when the data's age became known anew. */
export class Workbench extends EventTarget {
  readonly tabs = new TabStore(browserStorage);
  readonly library = new Library(browserStorage);
  readonly session = new EngineSession(startEngineOfPage);
  readonly lake = new Lake(this.session);
  readonly runner = new QueryRunner(this.session, this.lake);
  readonly schemas = new Schemas();
  readonly completion = new SqlCompletion(this.lake, this.schemas);
  editor!: EditorView;
  /** The newest commit that is known of. */
  committedAt: string | null = null;
  #running: AbortController | null = null;
  /** What each tab of this visit holds beside its text. */
  #panels = new Map<string, ResultsPanel>();
  #states = new Map<string, EditorState>();
  #shownTab = this.tabs.active.id;

  /** The results of the active tab; they wait while another tab is looked at. */
  get results(): ResultsPanel {
    const { id } = this.tabs.active;
    let panel = this.#panels.get(id);
    if (!panel) {
      const { session } = this;
      panel = new ResultsPanel((rows, order, format) =>
        exportRows({ rows, order, session }, format, this.tabs.active.title)
      );
    }
    // Looked at last stands last; results are large, so those not looked at for long go.
    this.#panels.delete(id);
    this.#panels.set(id, panel);
    if (this.#panels.size > MAX_PANELS) this.#panels.delete(this.#panels.keys().next().value ?? "");
    return panel;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  get text(): string {
    return this.editor.state.doc.toString();
  }

  /** Runs the selection, else the statement at the cursor, else everything. */
  run(what: "cursor" | "all"): Promise<void> {
    const moment = { as_of: this.tabs.active.as_of };
    const { results } = this;
    return this.#attempt(
      this.statements(what),
      (statements, signal) =>
        this.runner.run(statements, moment, signal, {
          started: (rows) => signal.aborted || results.started(rows),
          grown: (rows) => signal.aborted || results.grown(rows),
        }),
    );
  }

  /** Runs the statement at the cursor in the server's engine. */
  runOnServer(): Promise<void> {
    const options = { as_of: this.tabs.active.as_of, limit: MAX_ROWS };
    return this.#attempt(this.statements("cursor"), async (statements, signal) => {
      const outcomes: Outcome[] = [];
      for (const statement of statements) {
        const started = performance.now();
        try {
          const result = await runOnServer(statement.text, options, signal);
          outcomes.push({ statement, result, prepared: null, elapsed_ms: performance.now() - started });
        } catch (error) {
          if (signal.aborted) throw error;
          throw new StatementFault(statement, error);
        }
      }
      return outcomes;
    });
  }

  cancel(): void {
    this.#running?.abort();
  }

  /** What Run would run, with its parameters in place. */
  statements(what: "cursor" | "all"): RunnableStatement[] {
    const { from, to, head } = this.editor.state.selection.main;
    const found = from !== to
      ? statementsOf(this.text.slice(from, to)).map((one) => ({
        ...one,
        from: one.from + from,
        to: one.to + from,
      }))
      : what === "all"
      ? statementsOf(this.text)
      : [statementAt(this.text, head)].filter((one) => one !== null);
    return found.map((one) => this.#bound(one));
  }

  #bound(statement: Statement): RunnableStatement {
    const bound = bindParameters(statement.text, this.tabs.active.values ?? {});
    return { ...statement, text: bound.sql, toSource: (offset) => statement.from + bound.toSource(offset) };
  }

  async #attempt(
    statements: readonly RunnableStatement[],
    work: (statements: readonly RunnableStatement[], signal: AbortSignal) => Promise<Outcome[]>,
  ): Promise<void> {
    this.cancel();
    if (statements.length === 0) return;
    const running = new AbortController();
    this.#running = running;
    this.dispatchEvent(new Event("state"));
    markFaults(this.editor, []);
    const { results } = this;
    const tab = this.tabs.active.id;
    const run = results.begin();
    const started = performance.now();
    const sql = statements.map((one) => this.text.slice(one.from, one.to)).join(";\n\n");
    try {
      const outcomes = await orCancelled(work(statements, running.signal), running.signal);
      this.#noteAge(outcomes, results);
      results.finished(outcomes);
      this.#remember(sql, outcomes.at(-1)?.result?.rowCount ?? 0, started);
    } catch (error) {
      // One that the next run here has cancelled has nothing more to say.
      if (results.belongsTo(run)) this.#fail(error, results, tab);
      if (!running.signal.aborted) this.#remember(sql, null, started);
    } finally {
      if (this.#running === running) {
        this.#running = null;
        this.dispatchEvent(new Event("state"));
      }
    }
  }

  #remember(sql: string, rows: number | null, started: number): void {
    this.library.remember({ sql, at: Date.now(), elapsed_ms: performance.now() - started, rows });
  }

  #fail(error: unknown, results: ResultsPanel, tab: string): void {
    const name = error instanceof Error ? error.name : "";
    results.failed();
    if (name === "Cancelled" || name === "AbortError") {
      results.message("warn", name === "Cancelled" ? (error as Error).message : "Cancelled");
      return;
    }
    const message = messageOf(error);
    const isForServer = error instanceof StatementFault && error.cause instanceof NeedsExtension;
    results.message("bad", sentenceOf(message), ...(isForServer ? [" ", this.#serverButton()] : []));
    if (!(error instanceof StatementFault) || this.tabs.active.id !== tab) return;
    const { statement, cause } = error;
    const place = cause instanceof ApiProblem && cause.line !== null
      ? placeAt(statement.text, cause.line, cause.column ?? 1)
      : placeOfFault(message, statement.text, 0);
    markFaults(this.editor, [{
      from: statement.toSource(place.from),
      to: statement.toSource(place.to),
      message: sentenceOf(message),
    }]);
  }

  #serverButton(): HTMLElement {
    const run = () => this.runOnServer();
    return h("button", { type: "button", class: "button small", on: { click: run } }, "Ask the server");
  }

  /** What the server read is at least as new as what is known of. */
  #noteAge(outcomes: readonly Outcome[], results: ResultsPanel): void {
    const times = outcomes.flatMap((one) =>
      one.prepared?.tables.map((table) => table.committed_at) ?? [this.committedAt]
    );
    results.committedAt = times.filter((time) => time !== null).sort().at(-1) ?? null;
    this.dispatchEvent(new Event("age"));
  }

  /** What the statement at the cursor would read at most. */
  async estimate(signal: AbortSignal): Promise<Estimate | null> {
    const [statement] = this.statements("cursor");
    return statement
      ? await this.lake.estimate(statement.text, { as_of: this.tabs.active.as_of }, signal)
      : null;
  }

  /** Names of the tables that the text mentions. */
  tablesAtHand(): string[] {
    const index = new NameIndex(
      this.lake.tables.filter((one) => one.kind === "table").map((one) => one.name),
    );
    return tablesIn(this.text, index);
  }

  insert(text: string): void {
    const { from, to } = this.editor.state.selection.main;
    this.editor.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length } });
    this.editor.focus();
  }

  format(): void {
    const text = formatSql(this.text);
    if (text !== this.text) {
      this.editor.dispatch({ changes: { from: 0, to: this.text.length, insert: text } });
    }
  }

  open(sql: string, title?: string, as_of: string | null = null): void {
    this.tabs.open(sql, title, { as_of });
  }

  /** Puts the active tab into the editor: its text, its cursor, its own history of undo. */
  showTab(makeState: (text: string) => EditorState): void {
    const { id, text } = this.tabs.active;
    if (id !== this.#shownTab) this.#states.set(this.#shownTab, this.editor.state);
    this.#shownTab = id;
    this.editor.setState(this.#states.get(id) ?? makeState(text));
    this.#forgetClosed();
  }

  #forgetClosed(): void {
    const open = new Set(this.tabs.tabs.map((tab) => tab.id));
    for (const kept of [this.#panels, this.#states]) {
      for (const id of kept.keys()) if (!open.has(id)) kept.delete(id);
    }
  }
}
