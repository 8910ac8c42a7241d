/** A CSV, JSON or Parquet file dropped onto the page, or opened, becomes a table of this browser, gone with the tab. */
import { messageOf } from "../../lib/errors.ts";
import { collect, textRows } from "../engine/collect.ts";
import { h } from "../shared/dom.ts";
import { quoteIdentifier, quoteText } from "../sql/names.ts";
import { sentenceOf } from "./fault_place.ts";
import type { Workbench } from "./workbench.ts";

const READERS: Readonly<Record<string, string>> = {
  csv: "read_csv_auto",
  tsv: "read_csv_auto",
  parquet: "read_parquet",
  json: "read_json_auto",
  ndjson: "read_json_auto",
  jsonl: "read_json_auto",
};

export function acceptDroppedFiles(element: HTMLElement, bench: Workbench): void {
  // Beside the page's own place the browser would leave the page and open the file.
  for (const type of ["dragover", "drop"] as const) {
    addEventListener(type, (event: DragEvent) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    });
  }
  element.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    element.classList.add("is-dropping");
  });
  element.addEventListener("dragleave", () => element.classList.remove("is-dropping"));
  element.addEventListener("drop", async (event) => {
    element.classList.remove("is-dropping");
    const files = [...event.dataTransfer?.files ?? []];
    if (files.length === 0) return;
    event.preventDefault();
    for (const file of files) await take(file, bench);
  });
}

const CHOOSER = "file-chooser";

/** The same for files that are chosen, with the keyboard too. */
export function openFile(bench: Workbench): void {
  document.getElementById(CHOOSER)?.remove();
  const accept = Object.keys(READERS).map((extension) => `.${extension}`).join();
  const attributes = {
    type: "file",
    id: CHOOSER,
    accept,
    multiple: true,
    hidden: true,
    "aria-label": "File",
  };
  const input = h("input", attributes);
  input.addEventListener("change", async () => {
    for (const file of input.files ?? []) await take(file, bench);
  });
  document.body.append(input);
  input.click();
}

async function take(file: File, bench: Workbench): Promise<void> {
  const reader = READERS[file.name.split(".").at(-1)?.toLowerCase() ?? ""];
  if (!reader) {
    return bench.results.message("bad", `Cannot read ${file.name}: drop a CSV, JSON or Parquet file`);
  }
  try {
    const table = await bench.session.exclusive(async () => {
      await bench.lake.prepare("", {}, new AbortController().signal);
      const engine = await bench.session.engine();
      const table = freeName(file.name, await takenNames(bench));
      const stored = `dropped-${Date.now()}-${file.name.replace(/[^\w.]+/g, "_")}`;
      await engine.registerBuffer(stored, new Uint8Array(await file.arrayBuffer()));
      const select = `SELECT * FROM ${reader}(${quoteText(stored)})`;
      try {
        await bench.session.run(
          `CREATE OR REPLACE TABLE memory.main.${quoteIdentifier(table)} AS ${select}`,
        );
      } finally {
        await engine.dropFile(stored);
      }
      tablesOfFiles.set(table, file.name);
      return table;
    });
    bench.open(
      `-- ${
        file.name.replace(/\s+/g, " ")
      }: a table of this browser only, gone when the page is closed.\nSELECT * FROM ${
        quoteIdentifier(table)
      } LIMIT 1000;\n`,
      table,
    );
    await bench.run("all");
  } catch (error) {
    bench.results.message(
      "bad",
      `Cannot read ${file.name}: ${sentenceOf(messageOf(error))}`,
    );
  }
}

/** Which file each table came from: the same one once more takes the place of its table, another one does not. */
const tablesOfFiles = new Map<string, string>();

/** Names that mean something already, with the file whose table each is, if it is one. */
async function takenNames(bench: Workbench): Promise<Map<string, string>> {
  const result = await collect(
    bench.session,
    "SELECT lower(table_name) FROM duckdb_tables() WHERE schema_name = 'main' UNION ALL SELECT lower(view_name) FROM duckdb_views() WHERE schema_name = 'main'",
  );
  const own = textRows(result).map(([name]) => name ?? "");
  const lake = bench.lake.tables.map((table) => table.name.slice(table.name.indexOf(".") + 1).toLowerCase());
  return new Map([
    ...own.map((name) => [name, tablesOfFiles.get(name) ?? ""] as const),
    ...lake.map((name) => [name, ""] as const),
  ]);
}

/** The file's plain name, with a number when it is another's. Pure. */
export function freeName(file: string, taken: ReadonlyMap<string, string>): string {
  const plain = tableNameOf(file);
  let name = plain;
  for (let number = 2; taken.has(name) && taken.get(name) !== file; number++) name = `${plain}_${number}`;
  return name;
}

/** A plain name from a file's: letters, digits, underscores. */
export function tableNameOf(file: string): string {
  const name = file.replace(/\.[^.]*$/, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  return /^[a-z]/.test(name) ? name : `file_${name || "1"}`;
}
