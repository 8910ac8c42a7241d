/** `main.ts tables` and `main.ts snapshots <table>`: what there is, and what it was. */
import type { Catalog, LoadedTable } from "../lib/iceberg/catalog.ts";
import { parseTableKey, tableKey } from "../lib/lake/table_key.ts";
import { Fault } from "../lib/errors.ts";
import { currentSnapshot } from "../lib/iceberg/snapshot.ts";
import { SEARCH_PATH } from "../lib/query/allowed_tree.ts";
import { resultText } from "../lib/query/table_text.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { openLake } from "./lake.ts";
import { formatOf } from "./sql.ts";

function print(
  columns: readonly [string, string][],
  rows: readonly (readonly unknown[])[],
  format: string,
): void {
  const result = {
    columns: columns.map(([name, type]) => ({ name, type })),
    rows,
    truncated: false,
    elapsed_ms: 0,
  };
  console.log(resultText(result, formatOf(format)).trimEnd());
}

export const tables: Command = {
  names: ["tables"],
  usage: "tables [--format table|json|csv]",
  doc: "list the tables with rows, files and bytes",
  on_lake: true,
  async run({ args, settings }) {
    const { options } = parseArguments(args, { options: ["format"] });
    await using lake = await openLake(settings);
    const names = await lake.catalog.list();
    const loaded = await Promise.all(names.map((name) => lake.catalog.load(name)));
    const rows = loaded.filter((table) => table !== null).map(({ name, metadata }) => {
      const summary = currentSnapshot(metadata)?.summary;
      const count = (key: string) => Number(summary?.[key] ?? 0);
      return [tableKey(name), count("total-records"), count("total-data-files"), count("total-files-size")];
    });
    const columns: [string, string][] = [["table", "VARCHAR"], ["rows", "BIGINT"], ["files", "BIGINT"], [
      "bytes",
      "BIGINT",
    ]];
    print(columns, rows, options.format ?? "table");
    return 0;
  },
};

export const snapshots: Command = {
  names: ["snapshots"],
  usage: "snapshots <table> [--format table|json|csv]",
  doc: "list the snapshots of a table, oldest first",
  on_lake: true,
  async run({ args, settings }) {
    const { options, words: [key] } = parseArguments(args, { words: [1, 1], options: ["format"] });
    await using lake = await openLake(settings);
    const table = await tableOf(lake.catalog, key);
    if (!table) {
      throw new Fault("not_found", `Cannot list snapshots of ${key}: there is no such table`, {
        blame: "sender",
        retry: "never",
      });
    }
    const rows = table.metadata.snapshots.map((one) => [
      String(one["snapshot-id"]),
      new Date(one["timestamp-ms"]).toISOString(),
      one.summary.operation,
      Number(one.summary["total-records"]),
    ]);
    const columns: [string, string][] = [["snapshot_id", "BIGINT"], ["committed_at", "TIMESTAMP"], [
      "operation",
      "VARCHAR",
    ], ["rows", "BIGINT"]];
    print(columns, rows, options.format ?? "table");
    return 0;
  },
};

/** By its full name, or by its own one alone, as in a query. */
async function tableOf(catalog: Catalog, key: string): Promise<LoadedTable | null> {
  const keys = key.includes(".") ? [key] : SEARCH_PATH.map((stage) => `${stage}.${key}`);
  for (const one of keys) {
    const table = await catalog.load(parseTableKey(one));
    if (table) return table;
  }
  return null;
}
