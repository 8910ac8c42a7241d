/** The header of a grid: names with types and sort marks, and widths that are guessed from the cells and then dragged. */
import { h, replace } from "./dom.ts";

export interface GridColumn {
  name: string;
  type: string;
  isRight: boolean;
}

export interface SortMark {
  column: number;
  isDescending: boolean;
}

interface Sampled {
  readonly columns: readonly GridColumn[];
  readonly rowCount: number;
  text(row: number, column: number): string | null;
}

const SAMPLE_ROWS = 100;
const CHARACTER_PX = 7.4;
const [LEAST_PX, GUESSED_MOST_PX] = [40, 420];

export class GridHeader {
  readonly element = h("div", { role: "row", class: "grid-head", "aria-rowindex": 1 });
  widths: number[] = [];

  constructor(readonly sort: (column: number) => void, readonly resized: () => void) {}

  /** Widths for the longest of the first cells. */
  measure(source: Sampled): void {
    const rows = Math.min(SAMPLE_ROWS, source.rowCount);
    this.widths = source.columns.map((column, at) => {
      let longest = column.name.length * 1.12 + Math.min(column.type.length, 14) * 0.92 + 2;
      for (let row = 0; row < rows; row++) {
        longest = Math.max(longest, (source.text(row, at) ?? "NULL").length);
      }
      return Math.round(Math.min(Math.max(longest * CHARACTER_PX + 22, 64), GUESSED_MOST_PX));
    });
  }

  draw(columns: readonly GridColumn[], mark: SortMark | null): void {
    const gutter = h("div", { class: "grid-gutter", "aria-hidden": "true" });
    replace(this.element, gutter, ...columns.map((column, at) => this.#cell(column, at, mark)));
    this.resized();
  }

  #cell(column: GridColumn, at: number, mark: SortMark | null): HTMLElement {
    const handle = h("span", { class: "grid-handle", "aria-hidden": "true" });
    handle.addEventListener("pointerdown", (event) => this.#drag(event, at));
    const sorted = mark?.column === at ? (mark.isDescending ? "descending" : "ascending") : "none";
    const attributes = {
      role: "columnheader",
      class: `grid-cell${column.isRight ? " is-right" : ""}`,
      "aria-colindex": at + 1,
      "aria-sort": sorted,
      "aria-label": column.name,
      "aria-description": column.type,
      title: `${column.name} ${column.type}`,
      on: { click: () => this.sort(at) },
    };
    // The type is drawn by the style sheet, so that the header's text is the column's name and nothing else.
    return h(
      "div",
      attributes,
      h("span", { class: "grid-name", "data-type": column.type }, column.name),
      handle,
    );
  }

  #drag(event: PointerEvent, column: number): void {
    event.preventDefault();
    event.stopPropagation();
    const [startX, width] = [event.clientX, this.widths[column]];
    const stop = new AbortController();
    const { signal } = stop;
    globalThis.addEventListener("pointermove", (move: PointerEvent) => {
      this.widths[column] = Math.max(LEAST_PX, width + move.clientX - startX);
      this.resized();
    }, { signal });
    globalThis.addEventListener("pointerup", () => {
      stop.abort();
      // The click that ends a drag is no wish to sort.
      const swallow = (click: Event) => click.stopPropagation();
      addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => removeEventListener("click", swallow, { capture: true }));
    }, { signal });
  }
}
