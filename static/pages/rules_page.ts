/** Rules: the YAML in force, edited with validation before anything is saved, and tried on past events. */
import { ApiProblem, call, getJson } from "../shared/api.ts";
import { dataTable } from "../shared/data_table.ts";
import { append, h, replace } from "../shared/dom.ts";
import { count, plural } from "../shared/format.ts";
import { card, faultNotice, pageHead, type ShowPage } from "../shared/page.ts";
import { tag } from "./severity.ts";

interface Rule {
  name: string;
  kind: string;
  severity?: string;
  enabled?: boolean;
  over?: string;
}

interface RulesAnswer {
  version: string;
  /** The text as it was saved last. */
  yaml?: string;
  items?: readonly Rule[];
}

interface DryRun {
  /** Alerts that the text would have raised. */
  alerts?: number;
  events?: number;
  hours?: number;
  by_rule?: Readonly<Record<string, number>>;
}

export const show: ShowPage = async (place, _context, signal) => {
  const answer = await getJson<RulesAnswer>("/api/rules", {}, signal);
  const editor = new RulesEditor(answer, signal);
  place.append(
    pageHead(
      "Rules",
      "What raises an alert. A change is validated, written to the log with a version, and counts from there on.",
    ),
    h("div", { class: "rules" }, card("Rules in force", editor.inForce), card("Edit", editor.form)),
  );
};

class RulesEditor {
  readonly inForce = h("div");
  readonly form = h("div", { class: "rules-form" });
  #text = h("textarea", {
    class: "mono rules-text",
    rows: 26,
    spellcheck: "false",
    "aria-label": "Rules as YAML",
  });
  #messages = h("div", { class: "rules-messages" });
  #hours = h("input", { type: "number", min: 1, max: 720, value: 24, "aria-label": "Hours to try on" });
  #check = h("button", { type: "button", class: "button" }, "Try on the past");
  #save = h("button", { type: "button", class: "button primary" }, "Save");
  #saved: string;

  constructor(answer: RulesAnswer, readonly signal: AbortSignal) {
    this.#saved = answer.yaml ?? "";
    this.#text.value = this.#saved;
    this.#drawInForce(answer);
    const bar = h(
      "div",
      { class: "buttons" },
      this.#save,
      this.#check,
      h("label", { class: "inline" }, this.#hours, "hours"),
    );
    append(this.form, this.#text, bar, this.#messages);
    this.#text.addEventListener("input", () => this.#changed());
    this.#check.addEventListener("click", () => this.#dryRun());
    this.#save.addEventListener("click", () => this.#put());
    this.#changed();
  }

  #changed(): void {
    this.#save.disabled = this.#text.value === this.#saved;
  }

  #drawInForce(answer: RulesAnswer): void {
    const rules = answer.items ?? [];
    replace(
      this.inForce,
      h("p", { class: "muted" }, "Version ", h("code", {}, answer.version)),
      dataTable<Rule>(
        [
          { name: "Rule", cell: (one) => one.name },
          { name: "Kind", cell: (one) => one.kind },
          { name: "Over", cell: (one) => one.over ?? "transaction" },
          { name: "Severity", cell: (one) => tag(one.severity) },
          { name: "State", cell: (one) => one.enabled === false ? "disabled" : "enabled" },
        ],
        rules,
        { caption: "Rules in force", empty: "No rules: no alerts." },
      ),
    );
  }

  async #dryRun(): Promise<void> {
    await this.#attempt(async () => {
      const response = await this.#send(`/api/rules?dry_run=${encodeURIComponent(this.#hours.value)}`);
      replace(this.#messages, dryRunView(await response.json() as DryRun, Number(this.#hours.value)));
    });
  }

  async #put(): Promise<void> {
    await this.#attempt(async () => {
      const response = await this.#send("/api/rules");
      this.#saved = this.#text.value;
      this.#changed();
      const answer = await response.json() as RulesAnswer;
      replace(
        this.#messages,
        h("p", { class: "notice good", role: "alert" }, `Saved as version ${answer.version}.`),
      );
      this.#drawInForce(await getJson<RulesAnswer>("/api/rules", {}, this.signal));
    });
  }

  #send(path: string): Promise<Response> {
    const headers = { "content-type": "application/yaml" };
    return call(path, { method: "PUT", headers, body: this.#text.value, signal: this.signal });
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    replace(this.#messages, h("p", { class: "loading" }, "Asking…"));
    this.#save.disabled = this.#check.disabled = true;
    try {
      await work();
    } catch (error) {
      replace(this.#messages, problemView(error));
      this.#reveal(error);
    } finally {
      this.#check.disabled = false;
      this.#changed();
    }
  }

  /** Selects the line that the server complained of. */
  #reveal(error: unknown): void {
    if (!(error instanceof ApiProblem) || error.line === null) return;
    const lines = this.#text.value.split("\n");
    const from = lines.slice(0, error.line - 1).join("\n").length + (error.line > 1 ? 1 : 0);
    this.#text.focus();
    this.#text.setSelectionRange(from, from + (lines[error.line - 1]?.length ?? 0));
  }
}

function problemView(error: unknown): HTMLElement {
  const errors = error instanceof ApiProblem ? error.errors : [];
  const list = errors.map((one) =>
    h("li", {}, [one.field, one.message ?? one.code].filter(Boolean).join(": "))
  );
  return h(
    "div",
    {},
    faultNotice(error),
    list.length > 0 ? h("ul", { class: "rules-errors" }, ...list) : null,
  );
}

function dryRunView(answer: DryRun, hours: number): HTMLElement {
  const rows = Object.entries(answer.by_rule ?? {}).map(([rule, alerts]) => ({ rule, alerts }));
  const total = answer.alerts ?? rows.reduce((sum, one) => sum + one.alerts, 0);
  const over = answer.events === undefined ? "" : ` in ${plural(answer.events, "event")}`;
  return h(
    "div",
    { role: "status" },
    h(
      "p",
      { class: "notice" },
      `Over the last ${hours} h these rules would have raised ${
        plural(total, "alert")
      }${over}. Nothing was saved.`,
    ),
    dataTable(
      [
        { name: "Rule", cell: (one) => one.rule },
        { name: "Would raise", cell: (one) => count(one.alerts), isNumber: true },
      ],
      rows,
      { caption: "Alerts by rule", empty: "No rule would have raised anything." },
    ),
  );
}
