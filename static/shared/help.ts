/** The sheet of keys (?). */
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";

const KEYS: readonly [keys: string, what: string][] = [
  ["Ctrl Enter", "Run the statement at the cursor, or the selection"],
  ["Ctrl Shift Enter", "Run all statements of the tab"],
  ["Esc", "Cancel the running query"],
  ["Ctrl Space", "Complete"],
  ["Shift Alt F", "Format"],
  ["Ctrl /", "Comment and uncomment"],
  ["Ctrl F", "Search in the editor"],
  ["Ctrl K", "Commands and tables"],
  ["Alt H", "Saved queries and history"],
  ["Ctrl S", "Save the query under a name"],
  ["Alt N, Alt W", "New tab, close tab"],
  ["Esc, then Tab", "Leave the editor with the keyboard"],
  ["Arrows, Home, End, Page Up, Page Down", "Move in the grid; with Shift select"],
  ["Enter", "Open a cell of the grid"],
  ["Ctrl C", "Copy the selected cells"],
  ["Enter, P", "In the list of tables: insert the name; profile of a column"],
  ["F2, Delete", "Rename or close the query's tab"],
  ["?", "This sheet"],
];

export function openHelp(): void {
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  const shown = (keys: string) => isMac ? keys.replace("Ctrl", "Cmd") : keys;
  const list = KEYS.flatMap(([keys, what]) => [h("dt", {}, h("kbd", {}, shown(keys))), h("dd", {}, what)]);
  openDialog("Keys", h("dl", { class: "keys" }, ...list));
}

/** Opens the sheet on `?` unless somebody is typing. */
export function listenForHelp(button: HTMLElement): void {
  button.addEventListener("click", openHelp);
  addEventListener("keydown", (event: KeyboardEvent) => {
    const target = event.target as HTMLElement | null;
    const isTyping = target?.closest("input, textarea, select, [contenteditable], dialog");
    if (event.key === "?" && !isTyping && !event.ctrlKey && !event.metaKey) openHelp();
  });
}
