/**
 * A grid that shows a million rows by drawing only those in sight, with the keyboard of a spreadsheet.
 *
 *   row in sight = place of the scroll bar x rows / height     (beyond 30 M pixels the bar stands for more than itself)
 *
 * Values are text nodes and nothing else. Emits `grid-sort` {column}, `grid-open` {row, column} and `grid-copy` {cells}.
 */
import { h, replace } from "./dom.ts";

export interface GridColumn {
  name: string;
  type: string;
  isRight: boolean;
  /** A sentence for the header's tooltip. */
  title?: string;
}

export interface GridSource {
  readonly columns: readonly GridColumn[];
  readonly rowCount: number;
  /** Text of a cell; null for NULL. */
  text(row: number, column: number): string | null;
  /** More about a cell, for its tooltip; "" for nothing. */
  title?(row: number, column: number): string;
}

export interface SortMark {
  column: number;
  isDescending: boolean;
}

interface Place {
  row: number;
  column: number;
}

const ROW_PX = 26;
const MAX_HEIGHT_PX = 30_000_000;
const SAMPLE_ROWS = 100;
const CHARACTER_PX = 7.4;
const EXTRA_ROWS = 6;
/** A cell shows this much of a long text; all of it is in the detail view and in copies. */
const SHOWN_CHARACTERS = 300;
let grids = 0;

export class DataGrid extends HTMLElement {
  #source: GridSource = { columns: [], rowCount: 0, text: () => null };
  #widths: number[] = [];
  #active: Place = { row: 0, column: 0 };
  #anchor: Place = { row: 0, column: 0 };
  #sort: SortMark | null = null;
  #head = h("div", { role: "row", class: "grid-head", "aria-rowindex": 1 });
  #canvas = h("div", { role: "rowgroup", class: "grid-canvas" });
  #scroll = h(
    "div",
    { class: "grid-scroll", tabindex: -1 },
    h("div", { role: "rowgroup" }, this.#head),
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
    this.#scroll.addEventListener("scroll", () => this.#later(), { passive: true });
    this.addEventListener("keydown", (event) => this.#key(event));
    this.#canvas.addEventListener("mousedown", (event) => this.#press(event));
    this.#canvas.addEventListener("dblclick", () => this.#open());
    this.#resize.observe(this.#scroll);
  }

  /** Shows a source from its beginning, or from where it stood when `keepPlace`. */
  show(source: GridSource, options: { keepPlace?: boolean; sort?: SortMark | null } = {}): void {
    const isSameShape = source.columns.map((one) => one.name).join("\0") ===
      this.#source.columns.map((one) => one.name).join("\0");
    this.#source = source;
    this.#sort = options.sort ?? null;
    if (!options.keepPlace) {
      this.#scroll.scrollTop = 0;
      this.#active = this.#anchor = { row: 0, column: 0 };
    }
    if (!isSameShape || !options.keepPlace) this.#measure();
    this.#drawHead();
    this.grown();
  }

  /** The source has more rows than before, or other values. */
  grown(): void {
    this.setAttribute("aria-rowcount", String(this.#source.rowCount + 1));
    this.setAttribute("aria-colcount", String(this.#source.columns.length));
    this.#canvas.style.height = `${this.#height}px`;
    this.style.setProperty("--gutter", `${Math.max(3, String(this.#source.rowCount).length) * 8 + 14}px`);
    for (const [index, row] of this.#rows) this.#release(index, row);
    this.#draw();
  }

  get #height(): number {
    return Math.min(this.#source.rowCount * ROW_PX, MAX_HEIGHT_PX);
  }

  /** Rows a pixel of scrolling: 1 / ROW_PX unless the height is capped; the last row ends where the scrolling ends. */
  get #rowsPerPixel(): number {
    const body = this.#scroll.clientHeight - this.#head.offsetHeight;
    const range = this.#height - body;
    return range <= 0 ? 1 / ROW_PX : (this.#source.rowCount - body / ROW_PX) / range;
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
    for (let index = first; index <= last; index++) {
      const row = this.#rows.get(index) ?? this.#fill(index);
      // Relative to the scroll bar, so that it is right where a pixel stands for many rows.
      row.style.transform = `translateY(${Math.round(scrollTop + (index - exact) * ROW_PX)}px)`;
    }
    this.#mark();
  }

  #release(index: number, row: HTMLElement): void {
    this.#rows.delete(index);
    row.hidden = true;
    this.#free.push(row);
  }

  #fill(index: number): HTMLElement {
    const row = this.#free.pop() ?? this.#canvas.appendChild(h("div", { role: "row", class: "grid-row" }));
    const { columns } = this.#source;
    while (row.childElementCount > columns.length + 1) row.lastElementChild?.remove();
    while (row.childElementCount < columns.length + 1) {
      row.append(
        row.childElementCount === 0
          ? h("div", { class: "grid-gutter", "aria-hidden": "true" })
          : h("div", { role: "gridcell", "aria-colindex": row.childElementCount }),
      );
    }
    row.hidden = false;
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
    const shown = text === null
      ? "NULL"
      : text.length > SHOWN_CHARACTERS
      ? `${text.slice(0, SHOWN_CHARACTERS)}…`
      : text;
    cell.textContent = shown;
    cell.id = `${this.#id}-${row}-${column}`;
    cell.className = `grid-cell${text === null ? " is-null" : ""}${
      this.#source.columns[column].isRight ? " is-right" : ""
    }`;
    cell.title = this.#source.title?.(row, column) ?? "";
  }

  #drawHead(): void {
    replace(
      this.#head,
      h("div", { class: "grid-gutter", "aria-hidden": "true" }),
      ...this.#source.columns.map((column, at) => this.#header(column, at)),
    );
    this.#applyWidths();
  }

  #header(column: GridColumn, at: number): HTMLElement {
    const sort = this.#sort?.column === at ? (this.#sort.isDescending ? "descending" : "ascending") : "none";
    const handle = h("span", { class: "grid-handle", "aria-hidden": "true" });
    handle.addEventListener("pointerdown", (event) => this.#drag(event, at));
    // The type is drawn by the style sheet, so that the header's text is the column's name and nothing else.
    const name = h("span", { class: "grid-name", "data-type": column.type }, column.name);
    return h(
      "div",
      {
        role: "columnheader",
        class: `grid-cell${column.isRight ? " is-right" : ""}`,
        "aria-colindex": at + 1,
        "aria-sort": sort,
        "aria-label": column.name,
        "aria-description": column.type,
        title: column.title ?? `${column.name} ${column.type}`,
        on: { click: () => this.dispatchEvent(new CustomEvent("grid-sort", { detail: { column: at } })) },
      },
      name,
      handle,
    );
  }

  #drag(event: PointerEvent, column: number): void {
    event.preventDefault();
    event.stopPropagation();
    const [startX, width] = [event.clientX, this.#widths[column]];
    const stop = new AbortController();
    globalThis.addEventListener("pointermove", (move: PointerEvent) => {
      this.#widths[column] = Math.max(40, width + move.clientX - startX);
      this.#applyWidths();
    }, { signal: stop.signal });
    addEventListener("pointerup", () => {
      stop.abort();
      // The click that ends a drag is no wish to sort.
      addEventListener("click", (click) => click.stopPropagation(), { capture: true, once: true });
      setTimeout(() => stop.abort());
    }, { signal: stop.signal, once: true });
  }

  #measure(): void {
    const rows = Math.min(SAMPLE_ROWS, this.#source.rowCount);
    this.#widths = this.#source.columns.map((column, at) => {
      let longest = column.name.length * 1.12 + Math.min(column.type.length, 14) * 0.92 + 2;
      for (let row = 0; row < rows; row++) {
        longest = Math.max(longest, (this.#source.text(row, at) ?? "NULL").length);
      }
      return Math.round(Math.min(Math.max(longest * CHARACTER_PX + 22, 64), 420));
    });
  }

  #applyWidths(): void {
    this.style.setProperty("--columns", this.#widths.map((width) => `${width}px`).join(" "));
    this.#canvas.style.width = `calc(var(--gutter) + ${
      this.#widths.reduce((sum, width) => sum + width, 0)
    }px)`;
  }

  #press(event: MouseEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLElement>(".grid-cell");
    if (!cell || event.button !== 0) return;
    const [, row, column] = cell.id.split("-").map(Number);
    this.#move({ row, column }, event.shiftKey);
  }

  #key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.#scroll.clientHeight / ROW_PX) - 2);
    const { row, column } = this.#active;
    const end = event.ctrlKey || event.metaKey;
    const moves: Record<string, () => Place> = {
      ArrowDown: () => ({ row: end ? Infinity : row + 1, column }),
      ArrowUp: () => ({ row: end ? 0 : row - 1, column }),
      ArrowRight: () => ({ row, column: column + 1 }),
      ArrowLeft: () => ({ row, column: column - 1 }),
      PageDown: () => ({ row: row + page, column }),
      PageUp: () => ({ row: row - page, column }),
      Home: () => ({ row: end ? 0 : row, column: 0 }),
      End: () => ({ row: end ? Infinity : row, column: Infinity }),
    };
    if (event.key in moves) this.#move(moves[event.key](), event.shiftKey);
    else if (event.key === "Enter") this.#open();
    else if (end && event.key === "a") this.#selectAll();
    else if (end && event.key === "c") this.#copy();
    else return;
    event.preventDefault();
  }

  #move(to: Place, keepAnchor: boolean): void {
    const { rowCount, columns } = this.#source;
    this.#active = {
      row: Math.max(0, Math.min(rowCount - 1, to.row)),
      column: Math.max(0, Math.min(columns.length - 1, to.column)),
    };
    if (!keepAnchor) this.#anchor = this.#active;
    this.#reveal();
    this.#draw();
  }

  #selectAll(): void {
    this.#anchor = { row: 0, column: 0 };
    this.#active = { row: this.#source.rowCount - 1, column: this.#source.columns.length - 1 };
    this.#mark();
  }

  #reveal(): void {
    const { scrollTop, clientHeight, scrollLeft, clientWidth } = this.#scroll;
    const visible = Math.floor((clientHeight - this.#head.offsetHeight) / ROW_PX);
    const first = Math.ceil(scrollTop * this.#rowsPerPixel);
    if (this.#active.row < first) this.#scroll.scrollTop = this.#active.row / this.#rowsPerPixel;
    else if (this.#active.row >= first + visible) {
      this.#scroll.scrollTop = (this.#active.row - visible + 1) / this.#rowsPerPixel;
    }
    const left = this.#widths.slice(0, this.#active.column).reduce((sum, width) => sum + width, 0);
    const width = this.#widths[this.#active.column] ?? 0;
    if (left < scrollLeft) this.#scroll.scrollLeft = left;
    else if (left + width > scrollLeft + clientWidth - 60) {
      this.#scroll.scrollLeft = left + width - clientWidth + 60;
    }
  }

  get #range(): { rows: [number, number]; columns: [number, number] } {
    const [a, b] = [this.#anchor, this.#active];
    return {
      rows: [Math.min(a.row, b.row), Math.max(a.row, b.row)],
      columns: [Math.min(a.column, b.column), Math.max(a.column, b.column)],
    };
  }

  #mark(): void {
    const { rows, columns } = this.#range;
    const isOne = rows[0] === rows[1] && columns[0] === columns[1];
    for (const [index, row] of this.#rows) {
      for (let column = 0; column < this.#source.columns.length; column++) {
        const cell = row.children[column + 1];
        const isActive = index === this.#active.row && column === this.#active.column;
        const isInside = index >= rows[0] && index <= rows[1] && column >= columns[0] && column <= columns[1];
        cell.classList.toggle("is-active", isActive);
        cell.classList.toggle("is-selected", isInside && !isOne);
        if (isActive) this.setAttribute("aria-activedescendant", cell.id);
      }
    }
  }

  #open(): void {
    if (this.#source.rowCount > 0) this.dispatchEvent(new CustomEvent("grid-open", { detail: this.#active }));
  }

  #copy(): void {
    this.dispatchEvent(new CustomEvent("grid-copy", { detail: this.#range }));
  }
}

customElements.define("data-grid", DataGrid);
