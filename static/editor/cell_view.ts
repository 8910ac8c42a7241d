/** All of one cell, laid out: JSON indented, the other cells of its row beside it. */
import type { Rows } from "../engine/result.ts";
import { h } from "../shared/dom.ts";
import { jsonOf } from "../engine/values.ts";

export function cellView(rows: Rows, row: number, column: number): HTMLElement {
  const text = rows.text(row, column);
  const others = rows.columns.flatMap((one, at) => [
    h("dt", {}, one.name),
    h("dd", { class: at === column ? "is-chosen" : "" }, shortened(rows.text(row, at))),
  ]);
  return h(
    "div",
    { class: "cell-view" },
    h(
      "pre",
      { class: "cell-text", tabindex: 0 },
      text === null ? h("em", {}, "NULL") : laidOut(rows, row, column, text),
    ),
    h("div", {}, h("h3", {}, "Its row"), h("dl", { class: "facts" }, ...others)),
  );
}

function laidOut(rows: Rows, row: number, column: number, text: string): string {
  if (rows.columns[column].kind === "nested") return JSON.stringify(jsonOf(rows.cell(row, column)), null, 2);
  if (!/^\s*[[{]/.test(text)) return text;
  // Shown, never stored: digits beyond a double's are kept by laying out only what prints back the same.
  const packed = text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === packed ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}

function shortened(text: string | null): string {
  if (text === null) return "NULL";
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
