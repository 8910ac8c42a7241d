/** A CSV, JSON or Parquet file dropped onto the page, or opened, becomes a table of this browser, gone with the tab. */
import { messageOf } from "../../lib/errors.ts";
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
  const table = tableNameOf(file.name);
  try {
    await bench.session.exclusive(async () => {
      await bench.lake.prepare("", {}, new AbortController().signal);
      const engine = await bench.session.engine();
      const stored = `dropped-${Date.now()}-${file.name.replace(/[^\w.]+/g, "_")}`;
      await engine.registerBuffer(stored, new Uint8Array(await file.arrayBuffer()));
      await bench.session.run(
        `CREATE OR REPLACE TABLE main.${quoteIdentifier(table)} AS SELECT * FROM ${reader}(${
          quoteText(stored)
        })`,
      );
      await engine.dropFile(stored);
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

/** A plain name from a file's: letters, digits, underscores. */
export function tableNameOf(file: string): string {
  const name = file.replace(/\.[^.]*$/, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  return /^[a-z]/.test(name) ? name : `file_${name || "1"}`;
}
