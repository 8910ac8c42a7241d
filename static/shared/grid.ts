/**
 * A grid that shows a million rows by drawing only those in sight, with the keyboard of a spreadsheet.
 *
 *   row in sight = place of the scroll bar x rows / height     (beyond 30 M pixels the bar stands for more than itself)
 *
 * Values are text nodes and nothing else. Emits `grid-sort` {column}, `grid-open` {row, column} and `grid-copy` {cells}.
 */
import { h } from "./dom.ts";
import { type GridColumn, GridHeader, type SortMark } from "./grid_header.ts";
import { between, type GridShape, holds, inside, isOneCell, moved, type Place } from "./grid_move.ts";

export interface GridSource {
  readonly columns: readonly GridColumn[];
  readonly rowCount: number;
  /** Text of a cell; null for NULL. */
  text(row: number, column: number): string | null;
  /** More about a cell, for its tooltip; "" for nothing. */
  title?(row: number, column: number): string;
}

const ROW_PX = 26;
const MAX_HEIGHT_PX = 30_000_000;
const EXTRA_ROWS = 6;
/** A cell shows this much of a long text; all of it is in the detail view and in copies. */
const SHOWN_CHARACTERS = 300;
let grids = 0;

export class DataGrid extends HTMLElement {
  #source: GridSource = { columns: [], rowCount: 0, text: () => null };
  #active: Place = { row: 0, column: 0 };
  #anchor: Place = { row: 0, column: 0 };
  #header = new GridHeader((column) => this.#emit("grid-sort", { column }), () => this.#applyWidths());
  #canvas = h("div", { role: "rowgroup", class: "grid-canvas" });
  #scroll = h(
    "div",
    { class: "grid-scroll", tabindex: -1 },
    h("div", { role: "rowgroup" }, this.#header.element),
    this.#canvas,
  );
  #rows = new Map<number, HTMLElement>();
  #free: HTMLElement[] = [];
  #isWaiting = false;
  #id = `grid${++grids}`;
  #resize = new ResizeObserver(() => this.#later());

  connectedCallback(): void {
    if (this.firstChild) return;
    this.role = "grid";
    this.tabIndex = 0;
    this.append(this.#scroll);
    // A press into it is for the grid: what has the focus is what says which cell is active.
    this.#scroll.addEventListener("focus", () => this.focus({ preventScroll: true }));
    this.#scroll.addEventListener("scroll", () => this.#later(), { passive: true });
    this.addEventListener("keydown", (event) => this.#key(event));
    this.#canvas.addEventListener("mousedown", (event) => this.#press(event));
    this.#canvas.addEventListener("dblclick", () => this.#open());
    this.#resize.observe(this.#scroll);
  }

  /** Shows a source from its beginning, or from where it stood when `keepPlace`. */
  show(source: GridSource, options: { keepPlace?: boolean; sort?: SortMark | null } = {}): void {
    const names = (of: GridSource) => of.columns.map((one) => one.name).join("\0");
    const isSameShape = names(source) === names(this.#source);
    this.#source = source;
    if (!options.keepPlace) {
      this.#scroll.scrollTop = 0;
      this.#active = this.#anchor = { row: 0, column: 0 };
    }
    if (!isSameShape || !options.keepPlace) this.#header.measure(source);
    this.#header.draw(source.columns, options.sort ?? null);
    this.#redraw();
  }

  #redraw(): void {
    const { rowCount, columns } = this.#source;
    this.setAttribute("aria-rowcount", String(rowCount + 1));
    this.setAttribute("aria-colcount", String(columns.length));
    this.#canvas.style.height = `${this.#height}px`;
    this.style.setProperty("--gutter", `${Math.max(3, String(rowCount).length) * 8 + 14}px`);
    for (const [index, row] of this.#rows) this.#release(index, row);
    this.#draw();
  }

  get #height(): number {
    return Math.min(this.#source.rowCount * ROW_PX, MAX_HEIGHT_PX);
  }

  /** Rows a pixel of scrolling: 1 / ROW_PX unless the height is capped; the last row ends where the scrolling ends. */
  get #rowsPerPixel(): number {
    const body = this.#scroll.clientHeight - this.#header.element.offsetHeight;
    const range = this.#height - body;
    return range <= 0 ? 1 / ROW_PX : (this.#source.rowCount - body / ROW_PX) / range;
  }

  get #shape(): GridShape {
    const page = Math.max(1, Math.floor(this.#scroll.clientHeight / ROW_PX) - 2);
    return { rows: this.#source.rowCount, columns: this.#source.columns.length, page };
  }

  #later(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    requestAnimationFrame(() => {
      this.#isWaiting = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { scrollTop, clientHeight } = this.#scroll;
    const exact = scrollTop * this.#rowsPerPixel;
    const first = Math.max(0, Math.floor(exact) - EXTRA_ROWS);
    const last = Math.min(this.#source.rowCount - 1, Math.ceil(exact + clientHeight / ROW_PX) + EXTRA_ROWS);
    for (const [index, row] of this.#rows) {
      if (index < first || index > last) this.#release(index, row);
    }
    let before: HTMLElement | null = null;
    for (let index = first; index <= last; index++) {
      const row = this.#rows.get(index) ?? this.#fill(index);
      // In the document as on the screen: whoever reads the one reads the other.
      if (!row.isConnected || row.previousElementSibling !== before) {
        this.#canvas.insertBefore(row, before ? before.nextSibling : this.#canvas.firstChild);
      }
      before = row;
      // Relative to the scroll bar, so that it is right where a pixel stands for many rows.
      row.style.transform = `translateY(${Math.round(scrollTop + (index - exact) * ROW_PX)}px)`;
    }
    this.#mark();
  }

  #release(index: number, row: HTMLElement): void {
    this.#rows.delete(index);
    row.remove();
    this.#free.push(row);
  }

  #fill(index: number): HTMLElement {
    const row = this.#free.pop() ?? h("div", { role: "row", class: "grid-row" });
    const { columns } = this.#source;
    while (row.childElementCount > columns.length + 1) row.lastElementChild?.remove();
    if (row.childElementCount === 0) row.append(h("div", { class: "grid-gutter", "aria-hidden": "true" }));
    while (row.childElementCount < columns.length + 1) {
      row.append(h("div", { role: "gridcell", "aria-colindex": row.childElementCount }));
    }
    row.setAttribute("aria-rowindex", String(index + 2));
    row.firstElementChild!.textContent = String(index + 1);
    for (let column = 0; column < columns.length; column++) {
      this.#fillCell(row.children[column + 1] as HTMLElement, index, column);
    }
    this.#rows.set(index, row);
    return row;
  }

  #fillCell(cell: HTMLElement, row: number, column: number): void {
    const text = this.#source.text(row, column);
    const isLong = text !== null && text.length > SHOWN_CHARACTERS;
    cell.textContent = text === null ? "NULL" : isLong ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
    cell.id = `${this.#id}-${row}-${column}`;
    const isRight = this.#source.columns[column].isRight;
    cell.className = `grid-cell${text === null ? " is-null" : ""}${isRight ? " is-right" : ""}`;
    cell.title = this.#source.title?.(row, column) ?? "";
  }

  #applyWidths(): void {
    const { widths } = this.#header;
    this.style.setProperty("--columns", widths.map((width) => `${width}px`).join(" "));
    const total = widths.reduce((sum, width) => sum + width, 0);
    this.#canvas.style.width = `calc(var(--gutter) + ${total}px)`;
  }

  #press(event: MouseEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLElement>(".grid-cell");
    if (!cell || event.button !== 0) return;
    const [, row, column] = cell.id.split("-").map(Number);
    this.#move({ row, column }, event.shiftKey);
  }

  #key(event: KeyboardEvent): void {
    const isFar = event.ctrlKey || event.metaKey;
    const to = moved(this.#active, event.key, isFar, this.#shape);
    if (to) this.#move(to, event.shiftKey);
    else if (event.key === "Enter") this.#open();
    else if (isFar && event.key === "a") this.#selectAll();
    else if (isFar && event.key === "c") this.#emit("grid-copy", between(this.#anchor, this.#active));
    else return;
    event.preventDefault();
  }

  #move(to: Place, keepAnchor: boolean): void {
    this.#active = inside(to, this.#shape);
    if (!keepAnchor) this.#anchor = this.#active;
    this.#reveal();
    this.#draw();
  }

  #selectAll(): void {
    this.#anchor = { row: 0, column: 0 };
    this.#active = inside({ row: Infinity, column: Infinity }, this.#shape);
    this.#mark();
  }

  #reveal(): void {
    const { scrollTop, clientHeight, scrollLeft, clientWidth } = this.#scroll;
    const visible = Math.floor((clientHeight - this.#header.element.offsetHeight) / ROW_PX);
    const first = Math.ceil(scrollTop * this.#rowsPerPixel);
    if (this.#active.row < first) this.#scroll.scrollTop = this.#active.row / this.#rowsPerPixel;
    else if (this.#active.row >= first + visible) {
      this.#scroll.scrollTop = (this.#active.row - visible + 1) / this.#rowsPerPixel;
    }
    const { widths } = this.#header;
    const left = widths.slice(0, this.#active.column).reduce((sum, width) => sum + width, 0);
    const right = left + (widths[this.#active.column] ?? 0) + 60;
    if (left < scrollLeft) this.#scroll.scrollLeft = left;
    else if (right > scrollLeft + clientWidth) this.#scroll.scrollLeft = right - clientWidth;
  }

  #mark(): void {
    const range = between(this.#anchor, this.#active);
    const isRange = !isOneCell(range);
    for (const [index, row] of this.#rows) {
      for (let column = 0; column < this.#source.columns.length; column++) {
        const cell = row.children[column + 1];
        const isActive = index === this.#active.row && column === this.#active.column;
        cell.classList.toggle("is-active", isActive);
        cell.classList.toggle("is-selected", isRange && holds(range, index, column));
        if (isActive) this.setAttribute("aria-activedescendant", cell.id);
      }
    }
  }

  #open(): void {
    if (this.#source.rowCount > 0) this.#emit("grid-open", this.#active);
  }

  #emit(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

customElements.define("data-grid", DataGrid);
