/** The tables and their columns beside the editor: a tree to read and to insert names from. */
import type { Lake, SchemaField, TableInfo } from "../engine/lake.ts";
import { typeName } from "../shared/type_name.ts";
import { h, icon, ICONS, replace } from "../shared/dom.ts";
import { bytes, count, plural } from "../shared/format.ts";
import type { Schemas } from "./schemas.ts";
import { STAGES } from "../sql/names.ts";

export interface TreeActions {
  insert(text: string): void;
  /** Opens a query on the table. */
  look(table: TableInfo): void;
  profile(table: TableInfo, column: string): void;
}

export class SchemaTree {
  readonly element = h("div", { class: "tree", role: "tree", "aria-label": "Tables" });
  /** The columns of each table as they were drawn last: what is the same is not drawn anew. */
  #columnBoxes = new Map<string, { box: HTMLElement; drawn: string }>();
  #open = new Set<string>(["processed", "analytics", "raw"]);

  constructor(readonly lake: Lake, readonly schemas: Schemas, readonly actions: TreeActions) {
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  draw(): void {
    const holder = document.activeElement?.closest<HTMLElement>("[role=treeitem]");
    const hasFocus = this.element.contains(holder ?? null);
    const current = hasFocus ? holder : this.element.querySelector<HTMLElement>("[tabindex='0']");
    const focused = current?.dataset.path;
    const stages = STAGES.map((stage) => this.#stage(stage)).filter((one) => one !== null);
    replace(this.element, ...(stages.length > 0 ? stages : [h("p", { class: "loading" }, "No tables yet")]));
    const items = this.#items();
    const first = items.find((item) => item.dataset.path === focused) ?? items[0];
    for (const item of items) item.tabIndex = -1;
    if (hasFocus) this.#focus(first);
    else if (first) first.tabIndex = 0;
  }

  #stage(stage: string): HTMLElement | null {
    const tables = this.lake.tables.filter((table) => table.name.startsWith(`${stage}.`));
    if (tables.length === 0) return null;
    tables.sort((a, b) => a.name.localeCompare(b.name));
    return this.#branch(
      stage,
      1,
      [h("span", { class: "tree-stage" }, stage)],
      () => tables.map((one) => this.#table(one)),
    );
  }

  #table(table: TableInfo): HTMLElement {
    const short = table.name.slice(table.name.indexOf(".") + 1);
    const rows = table.kind === "view" ? "view" : count(table.rows);
    const title = table.kind === "view"
      ? `${table.name}, a view`
      : `${table.name}: ${plural(table.rows, "row")}, ${bytes(table.bytes)} in ${
        plural(Number(table.files ?? 0), "file")
      }`;
    const look = action(
      `Query ${table.name}`,
      "Show some of its rows",
      ICONS.play,
      () => this.actions.look(table),
    );
    const content = [
      icon(table.kind === "view" ? ICONS.view : ICONS.table),
      h("span", { class: "tree-name" }, short),
      h("span", { class: "tree-note number" }, rows),
      look,
    ];
    const branch = this.#branch(table.name, 2, content, () => [this.#columns(table)]);
    branch.firstElementChild?.setAttribute("title", title);
    return branch;
  }

  #columns(table: TableInfo): HTMLElement {
    const made = { box: h("div", { role: "none" }, h("p", { class: "loading" }, "…")), drawn: "" };
    const kept = this.#columnBoxes.get(table.name) ?? made;
    this.#columnBoxes.set(table.name, kept);
    const draw = (drawn: string, items: () => HTMLElement[]) => {
      if (kept.drawn === drawn) return;
      kept.drawn = drawn;
      replace(kept.box, ...items());
    };
    this.schemas.of(table.name).then(
      (fields) => draw(JSON.stringify(fields), () => fields.map((field) => this.#column(table, field))),
      (error) => draw(String(error), () => [h("p", { class: "tree-fault" }, String(error))]),
    );
    return kept.box;
  }

  #column(table: TableInfo, field: SchemaField): HTMLElement {
    const type = typeName(field.type);
    const profile = () => this.actions.profile(table, field.name);
    return h(
      "div",
      {
        role: "treeitem",
        class: "tree-row tree-column",
        "aria-level": 3,
        tabindex: -1,
        "data-path": `${table.name}/${field.name}`,
        title: `${field.doc ?? `${field.name} ${type}`}\nClick inserts the name; P shows a profile.`,
        on: {
          click: () => this.actions.insert(field.name),
          keydown: (event) => {
            if (event.key.toLowerCase() !== "p" || event.ctrlKey || event.metaKey || event.altKey) return;
            event.preventDefault();
            profile();
          },
        },
      },
      h("span", { class: "tree-name" }, field.name),
      h("span", { class: "tree-note" }, type),
      action(`Profile of ${table.name}.${field.name}`, "What is in this column", ICONS.bars, profile),
    );
  }

  /** A row that opens and closes, with what is under it. */
  #branch(path: string, level: number, content: Node[], children: () => HTMLElement[]): HTMLElement {
    const isOpen = this.#open.has(path);
    const row = h(
      "div",
      {
        role: "treeitem",
        class: "tree-row",
        "aria-level": level,
        "aria-expanded": String(isOpen),
        tabindex: -1,
        "data-path": path,
      },
      h("span", { class: `tree-chevron${isOpen ? " is-open" : ""}` }, icon(ICONS.chevron)),
      ...content,
    );
    row.addEventListener("click", () => this.#toggle(path));
    row.addEventListener("dblclick", () => level === 2 && this.actions.insert(path));
    return h(
      "div",
      { role: "none" },
      row,
      isOpen ? h("div", { role: "group", class: "tree-group" }, ...children()) : null,
    );
  }

  #toggle(path: string): void {
    if (!this.#open.delete(path)) this.#open.add(path);
    this.draw();
    this.#focus(this.#items().find((item) => item.dataset.path === path));
  }

  #items(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>("[role=treeitem]")];
  }

  #focus(item: HTMLElement | undefined): void {
    if (!item) return;
    for (const one of this.#items()) one.tabIndex = -1;
    item.tabIndex = 0;
    item.focus({ preventScroll: document.activeElement === document.body });
  }

  #key(event: KeyboardEvent): void {
    const items = this.#items();
    const at = items.indexOf(event.target as HTMLElement);
    if (at < 0) return;
    const item = items[at];
    const path = item.dataset.path ?? "";
    const isBranch = item.hasAttribute("aria-expanded");
    const isOpen = item.getAttribute("aria-expanded") === "true";
    if (event.key === "ArrowDown") this.#focus(items[at + 1]);
    else if (event.key === "ArrowUp") this.#focus(items[at - 1]);
    else if (event.key === "ArrowRight" && isBranch && !isOpen) this.#toggle(path);
    else if (event.key === "ArrowLeft" && isOpen) this.#toggle(path);
    else if (event.key === "Enter" || event.key === " ") {
      if (isBranch && path.includes(".")) this.actions.insert(path);
      else item.click();
    } else return;
    event.preventDefault();
  }
}

/** A button that shows on its row when the mouse or the focus is there. */
function action(label: string, title: string, path: string, act: () => void): HTMLElement {
  return h("button", {
    type: "button",
    class: "tree-action",
    tabindex: -1,
    "aria-label": label,
    title,
    on: {
      click: (event) => {
        event.stopPropagation();
        act();
      },
    },
  }, icon(path));
}
