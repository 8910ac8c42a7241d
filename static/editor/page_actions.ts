/** Actions of the SQL page that open something: the palette, saved queries, a link; and the keys for them. */
import type { TableInfo } from "../engine/lake.ts";
import { copyText } from "../shared/clipboard.ts";
import { openDialog } from "../shared/dialog.ts";
import { announce, h, replace } from "../shared/dom.ts";
import { openHelp } from "../shared/help.ts";
import { faultNotice } from "../shared/page.ts";
import { hashOf } from "../shared/place.ts";
import { openFile } from "./dropped_file.ts";
import { explain } from "./explain.ts";
import { openLibrary } from "./library_dialog.ts";
import { type Command, openPalette } from "./palette.ts";
import { packQuery } from "./share.ts";
import type { Workbench } from "./workbench.ts";

export function openQueries(bench: Workbench): void {
  openLibrary(bench.library, (sql, title) => bench.open(sql, title));
}

export function saveQuery(bench: Workbench): void {
  const name = h("input", {
    type: "text",
    value: bench.tabs.active.title,
    "aria-label": "Name",
    maxlength: 80,
  });
  const save = h("button", { type: "submit", class: "button primary" }, "Save");
  const form = h("form", { class: "buttons" }, name, save);
  const fault = h("div");
  const dialog = openDialog("Save the query in this browser", form, fault);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (name.value.trim() === "") return;
    if (!bench.library.save({ name: name.value.trim(), sql: bench.text, at: Date.now() })) {
      replace(
        fault,
        faultNotice(new Error("This browser cannot keep the query: its storage is full or closed.")),
      );
      return;
    }
    bench.tabs.rename(bench.tabs.active.id, name.value);
    dialog.close();
    announce("Saved");
  });
  name.select();
}

export async function shareQuery(bench: Workbench): Promise<void> {
  const packed = await packQuery(bench.text);
  if (packed === null) {
    const sentence = "The query is too long for a link: give its text away instead.";
    return void openDialog("Share the query", h("p", { class: "notice warn", role: "alert" }, sentence));
  }
  const link = `${location.origin}${location.pathname}${
    hashOf("sql", "", given({ q: packed, as_of: bench.tabs.active.as_of }))
  }`;
  const field = h("input", {
    type: "text",
    value: link,
    readonly: true,
    "aria-label": "Link",
    class: "share-link",
  });
  const copy = h("button", { type: "button", class: "button primary" }, "Copy");
  const said = h("div");
  copy.addEventListener("click", async () => {
    const fault = await copyText(link);
    copy.textContent = fault ? "Copy" : "Copied";
    if (fault) replace(said, faultNotice(new Error(fault)));
  });
  const words =
    "The query is in the link itself, behind the #, which no server sees. Opening the link shows it; it never runs by itself.";
  openDialog(
    "Share the query",
    h("p", { class: "muted" }, words),
    h("div", { class: "buttons" }, field, copy),
    said,
  );
  field.select();
}

function given(values: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== null),
  );
}

function commandsOf(bench: Workbench, look: (table: TableInfo) => void): Command[] {
  const pages: [string, string][] = [
    ["Dashboard", "dashboard"],
    ["Dead letters", "dead-letters"],
    ["Alerts", "alerts"],
    ["Rules", "rules"],
    ["Tables", "tables"],
    ["Operations", "operations"],
  ];
  return [
    { title: "Run the statement at the cursor", keys: "Ctrl Enter", run: () => bench.run("cursor") },
    { title: "Run all statements", keys: "Ctrl Shift Enter", run: () => bench.run("all") },
    { title: "Run on the server", run: () => bench.runOnServer() },
    { title: "Cancel", keys: "Esc", run: () => bench.cancel() },
    { title: "Format", keys: "Shift Alt F", run: () => bench.format() },
    { title: "Explain", run: () => explain(bench, "EXPLAIN") },
    { title: "New query", keys: "Alt N", run: () => bench.open("") },
    { title: "Close the tab", keys: "Alt W", run: () => bench.tabs.close(bench.tabs.active.id) },
    { title: "Save the query", keys: "Ctrl S", run: () => saveQuery(bench) },
    { title: "Saved queries and history", keys: "Alt H", run: () => openQueries(bench) },
    { title: "Share the query", run: () => shareQuery(bench) },
    { title: "Open a CSV, JSON or Parquet file", run: () => openFile(bench) },
    { title: "Keys", keys: "?", run: openHelp },
    ...pages.map(([title, page]) => ({
      title: `Go to ${title}`,
      run: () => void (location.hash = hashOf(page)),
    })),
    ...bench.lake.tables.map((table) => ({ title: `Query ${table.name}`, run: () => look(table) })),
  ];
}

/** Keys that work anywhere on the page while it is shown and no dialog is open. */
export function listenForKeys(
  element: HTMLElement,
  bench: Workbench,
  look: (table: TableInfo) => void,
): void {
  const actions: Record<string, () => void> = {
    "mod k": () => openPalette(commandsOf(bench, look)),
    "mod s": () => saveQuery(bench),
    "alt n": () => bench.open(""),
    "alt w": () => bench.tabs.close(bench.tabs.active.id),
    "alt h": () => openQueries(bench),
  };
  addEventListener("keydown", (event: KeyboardEvent) => {
    if (!element.isConnected || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && bench.isRunning) return bench.cancel();
    // AltGr, which types letters, is told as both.
    const isMod = (event.ctrlKey || event.metaKey) && !event.altKey;
    const modifier = isMod ? "mod" : event.altKey && !event.ctrlKey ? "alt" : "";
    const letter = event.code.replace(/^Key/, "").toLowerCase();
    const action = modifier && !event.shiftKey ? actions[`${modifier} ${letter}`] : undefined;
    if (!action) return;
    event.preventDefault();
    action();
  });
}
