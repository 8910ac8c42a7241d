/** Rules: the YAML in force, edited with validation before anything is saved, and tried on past events. */
import { ApiProblem, call, getJson } from "../shared/api.ts";
import { dataTable } from "../shared/data_table.ts";
import { browserStorage } from "../shared/browser_storage.ts";
import { append, h, replace } from "../shared/dom.ts";
import { count, plural } from "../shared/format.ts";
import { card, faultNotice, pageHead, type ShowPage } from "../shared/page.ts";
import { keepDraft, readDraft } from "./rules_draft.ts";
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
  /** Why the file of rules as it lies there is not in force; null when it is. */
  problem?: string | null;
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
    // So that a line of the text is a line on the screen, and the one at fault can be found.
    wrap: "off",
    "aria-label": "Rules as YAML",
  });
  #unsaved = h("p", { class: "rules-unsaved muted", role: "status" });
  #messages = h("div", { class: "rules-messages" });
  #hours = h("input", { type: "number", min: 1, max: 720, value: 24, "aria-label": "Hours to try on" });
  #check = h("button", { type: "button", class: "button" }, "Try on the past");
  #save = h("button", { type: "button", class: "button primary" }, "Save");
  #giveUp = h("button", { type: "button", class: "button quiet" }, "Discard changes");
  #saved = "";
  #version: string;
  #seen = new Set<string>();
  /** Of the rules that the unsaved text was begun from. */
  #begunFrom: string;

  constructor(answer: RulesAnswer, readonly signal: AbortSignal) {
    const draft = readDraft(browserStorage);
    this.#version = answer.version;
    this.#begunFrom = draft?.version ?? answer.version;
    this.#take(answer);
    this.#text.value = draft?.text ?? this.#saved;
    const bar = h(
      "div",
      { class: "buttons" },
      this.#save,
      this.#check,
      h("label", { class: "inline" }, this.#hours, "hours"),
      this.#giveUp,
    );
    append(this.form, this.#text, this.#unsaved, bar, this.#messages);
    this.#text.addEventListener("input", () => this.#changed());
    this.#giveUp.addEventListener("click", () => {
      this.#text.value = this.#saved;
      replace(this.#messages);
      this.#changed();
    });
    this.#check.addEventListener("click", () => this.#dryRun());
    this.#save.addEventListener("click", () => this.#put());
    this.#changed();
  }

  #take(answer: RulesAnswer): void {
    this.#saved = answer.yaml ?? "";
    this.#version = answer.version;
    this.#seen.add(answer.version);
    this.#drawInForce(answer);
  }

  /** What is not saved is kept, with word of the rules having changed meanwhile. */
  #changed(): void {
    const { value: text } = this.#text;
    const isChanged = text !== this.#saved;
    if (!isChanged) this.#begunFrom = this.#version;
    const isKept = keepDraft(browserStorage, isChanged ? { text, version: this.#begunFrom } : null);
    this.#save.disabled = this.#giveUp.disabled = !isChanged;
    const moved = this.#begunFrom === this.#version
      ? ""
      : " The rules have changed since it was begun: saving it takes that change back.";
    const where = isKept
      ? "this browser keeps the text."
      : "this browser cannot keep the text, which is lost with the page.";
    const sentence = isChanged ? `Not saved yet; ${where}${moved}` : "";
    if (this.#unsaved.textContent !== sentence) this.#unsaved.textContent = sentence;
  }

  #drawInForce(answer: RulesAnswer): void {
    const rules = answer.items ?? [];
    replace(
      this.inForce,
      h("p", { class: "muted" }, "Version ", h("code", {}, answer.version)),
      answer.problem
        ? h("p", { class: "notice warn" }, `The file of rules is not in force: ${answer.problem}`)
        : null,
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
      const text = this.#text.value;
      if (await this.#haveMoved()) return;
      const response = await this.#send("/api/rules");
      this.#saved = text;
      const answer = await response.json() as RulesAnswer;
      this.#version = this.#begunFrom = answer.version;
      this.#seen.add(answer.version);
      replace(
        this.#messages,
        h("p", { class: "notice good", role: "alert" }, `Saved as version ${answer.version}.`),
      );
      this.#drawInForce(await getJson<RulesAnswer>("/api/rules", {}, this.signal));
    });
  }

  /**
   * Whether somebody else has saved rules since this page read them; says so, once for each of their versions. What was
   * saved here is known too, as another server may tell of an older version for some seconds.
   */
  async #haveMoved(): Promise<boolean> {
    const answer = await getJson<RulesAnswer>("/api/rules", {}, this.signal);
    if (this.#seen.has(answer.version)) return false;
    this.#take(answer);
    const sentence = `Not saved: others have saved version ${answer.version} meanwhile. ` +
      "Saving once more puts this text in its place; discarding the changes shows theirs.";
    replace(this.#messages, h("p", { class: "notice warn", role: "alert" }, sentence));
    return true;
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

  /** Selects the line that the server complained of, and brings it into the middle. */
  #reveal(error: unknown): void {
    if (!(error instanceof ApiProblem) || error.line === null) return;
    const lines = this.#text.value.split("\n");
    const from = lines.slice(0, error.line - 1).join("\n").length + (error.line > 1 ? 1 : 0);
    this.#text.focus();
    this.#text.setSelectionRange(from, from + (lines[error.line - 1]?.length ?? 0));
    const line_px = this.#text.scrollHeight / lines.length;
    this.#text.scrollTo(0, (error.line - 0.5) * line_px - this.#text.clientHeight / 2);
  }
}

/** Each fault once: as an item where the server tells them one by one, else in the sentence. */
function problemView(error: unknown): HTMLElement {
  if (!(error instanceof ApiProblem) || error.errors.length === 0) return faultNotice(error);
  const faults = error.errors.map((one) => one.message ?? [one.field, one.code].filter(Boolean).join(": "));
  const list = h("ul", { class: "rules-errors" }, ...faults.map((fault) => h("li", {}, fault)));
  const at = error.message.indexOf(faults[0]);
  const sentence = at < 0 ? error.message : error.message.slice(0, at);
  return h("div", { class: "notice bad", role: "alert" }, h("p", {}, sentence.trim()), list);
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
