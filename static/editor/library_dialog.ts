/** History and saved queries in one dialog with a search; Enter or a click opens the query in a new tab. */
import { openDialog } from "../shared/dialog.ts";
import { h, replace } from "../shared/dom.ts";
import { ago, milliseconds, plural } from "../shared/format.ts";
import type { Library } from "./library.ts";

interface Entry {
  title: string;
  sql: string;
  note: string;
  /** Saved queries can be removed. */
  savedName?: string;
}

export function openLibrary(library: Library, open: (sql: string, title?: string) => void): void {
  const search = h("input", {
    type: "search",
    placeholder: "Search in names and SQL",
    "aria-label": "Search queries",
    class: "library-search",
  });
  const list = h("ul", { class: "library-list", "aria-label": "Queries" });
  const forget = h("button", { type: "button", class: "button quiet small" }, "Forget the history");
  const dialog = openDialog("Saved queries and history", search, list, forget);
  dialog.classList.add("wide");
  const draw = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const entries = entriesOf(library).filter((one) =>
      words.every((word) => `${one.title} ${one.sql}`.toLowerCase().includes(word))
    );
    replace(
      list,
      ...(entries.length > 0 ? entries.map(item) : [h("li", { class: "muted" }, "Nothing is found.")]),
    );
  };
  const item = (entry: Entry) => {
    const choose = h(
      "button",
      { type: "button", class: "library-item" },
      h("b", {}, entry.title),
      h("code", {}, entry.sql.slice(0, 400)),
      h("span", { class: "muted" }, entry.note),
    );
    choose.addEventListener("click", () => {
      dialog.close();
      open(entry.sql, entry.savedName);
    });
    if (!entry.savedName) return h("li", {}, choose);
    const remove = h("button", {
      type: "button",
      class: "button quiet small",
      "aria-label": `Remove ${entry.savedName}`,
    }, "Remove");
    remove.addEventListener("click", () => {
      library.remove(entry.savedName ?? "");
      draw();
    });
    return h("li", {}, choose, remove);
  };
  search.addEventListener("input", draw);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.querySelector("button")?.click();
  });
  forget.addEventListener("click", () => {
    library.forgetHistory();
    draw();
  });
  draw();
  search.focus();
}

function entriesOf(library: Library): Entry[] {
  const now = Date.now();
  const saved = library.saved.map((one) => ({
    title: one.name,
    sql: one.sql,
    note: "saved",
    savedName: one.name,
  }));
  const past = library.history.map((one) => ({
    title: ago(one.at, now),
    sql: one.sql,
    note: one.rows === null ? "failed" : `${plural(one.rows, "row")} in ${milliseconds(one.elapsed_ms)}`,
  }));
  return [...saved, ...past];
}
