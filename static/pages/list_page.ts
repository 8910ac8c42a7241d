/** A list from the API with filters and a cursor: what the pages of dead letters and alerts have in common. */
import { getJson, type Page } from "../shared/api.ts";
import { h, replace } from "../shared/dom.ts";
import { faultNotice } from "../shared/page.ts";

export interface Filter {
  name: string;
  label: string;
  /** Choices; without them it is a text field, or a time (UTC). */
  choices?: readonly string[];
  isTime?: boolean;
}

export interface ListOptions<Item> {
  path: string;
  filters: readonly Filter[];
  /** Draws all items that were read so far. */
  draw(items: readonly Item[]): Node;
  /** Looks at the whole first answer, for what stands beside the items. */
  answered?(answer: Page<Item> & Record<string, unknown>): void;
}

const PAGE_SIZE = 100;

export class ListView<Item> {
  readonly element = h("div", { class: "list" });
  readonly values: Record<string, string> = {};
  items: Item[] = [];
  #content = h(
    "div",
    { class: "list-content", "aria-busy": "true" },
    h("p", { class: "loading" }, "Loading…"),
  );
  #more = h("button", { type: "button", class: "button", hidden: true }, "Show more");
  #cursor: string | null = null;
  #round = 0;

  constructor(readonly options: ListOptions<Item>, readonly signal: AbortSignal) {
    const fields = options.filters.map((filter) => this.#field(filter));
    this.element.append(h("div", { class: "filters" }, ...fields), this.#content, this.#more);
    this.#more.addEventListener("click", () => this.load({ more: true }));
  }

  async load(how: { more?: boolean } = {}): Promise<void> {
    const round = ++this.#round;
    this.#content.setAttribute("aria-busy", "true");
    try {
      const query = { ...this.values, limit: PAGE_SIZE, cursor: how.more ? this.#cursor : null };
      const answer = await getJson<Page<Item> & Record<string, unknown>>(
        this.options.path,
        query,
        this.signal,
      );
      if (round !== this.#round) return;
      this.items = how.more ? [...this.items, ...answer.items] : answer.items;
      this.#cursor = answer.cursor;
      if (!how.more) this.options.answered?.(answer);
      this.#more.hidden = answer.cursor === null;
      this.redraw();
    } catch (error) {
      if (this.signal.aborted || round !== this.#round) return;
      replace(this.#content, faultNotice(error));
    } finally {
      // One that was overtaken says nothing of the one that is still on its way.
      if (round === this.#round) this.#content.setAttribute("aria-busy", "false");
    }
  }

  redraw(): void {
    replace(this.#content, this.options.draw(this.items));
  }

  #field(filter: Filter): HTMLElement {
    const change = (value: string) => {
      this.values[filter.name] = value;
      this.load();
    };
    if (!filter.choices) {
      const kind = filter.isTime
        ? { type: "datetime-local", step: 1 }
        : { type: "search", placeholder: "any" };
      const input = h("input", { ...kind, name: filter.name });
      input.addEventListener(
        "change",
        () => change(filter.isTime ? utcTime(input.value) : input.value.trim()),
      );
      return h("label", { class: "field" }, filter.label, input);
    }
    const options = ["", ...filter.choices].map((choice) => h("option", { value: choice }, choice || "any"));
    const select = h("select", { name: filter.name }, ...options);
    select.addEventListener("change", () => change(select.value));
    return h("label", { class: "field" }, filter.label, select);
  }
}

/** What a field without zone holds, as the API reads it. */
function utcTime(value: string): string {
  return value === "" ? "" : new Date(`${value}Z`).toISOString();
}
