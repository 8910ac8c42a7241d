/** A field for each `:name` of the query; what is entered stays with the tab. */
import { h, replace } from "../shared/dom.ts";
import { parametersIn } from "../sql/parameters.ts";

export class ParameterForm {
  readonly element = h("form", { class: "parameters", hidden: true, "aria-label": "Parameters" });
  #names = "";
  /** Of the tab whose fields are shown. */
  #values: Record<string, string> | null = null;

  constructor(readonly run: () => void) {
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
  }

  /** Shows the fields of `sql`, filled from `values`, which they change. */
  show(sql: string, values: Record<string, string>): void {
    const names = parametersIn(sql);
    const key = names.join();
    this.element.hidden = names.length === 0;
    if (key === this.#names && values === this.#values) return;
    this.#names = key;
    this.#values = values;
    replace(
      this.element,
      ...names.map((name) => field(name, values)),
      h("button", { type: "submit", class: "visually-hidden" }, "Run"),
    );
  }
}

function field(name: string, values: Record<string, string>): HTMLElement {
  const input = h("input", {
    type: "text",
    name,
    value: values[name] ?? "",
    placeholder: "NULL",
    autocomplete: "off",
  });
  input.addEventListener("input", () => values[name] = input.value);
  return h("label", { class: "field" }, `:${name}`, input);
}
