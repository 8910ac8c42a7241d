/** `main.ts tables` and `main.ts snapshots <table>`: what there is, and what it was. */
import { tableKey } from "../lib/lake/table_key.ts";
import { Fault } from "../lib/errors.ts";
import { currentSnapshot } from "../lib/iceberg/snapshot.ts";
import { FORMAT_HELP, formatOf, giveRows } from "./answer.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { openLake, tableOf } from "./lake.ts";

export const tables: Command = {
  names: ["tables"],
  usage: "tables [--format table|json|csv|parquet]",
  doc: "list the tables with rows, files and bytes",
  more: [FORMAT_HELP],
  on_lake: true,
  async run({ args, settings }) {
    const format = formatOf(parseArguments(args, { options: ["format"] }));
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
    await giveRows(settings, { columns, rows }, format);
    return 0;
  },
};

export const snapshots: Command = {
  names: ["snapshots"],
  usage: "snapshots <table> [--format table|json|csv|parquet]",
  doc: "list the snapshots of a table, oldest first",
  more: ["The table is stage.table, or its name alone.", FORMAT_HELP],
  on_lake: true,
  async run({ args, settings }) {
    const parsed = parseArguments(args, { words: [1, 1], options: ["format"] });
    const [key] = parsed.words;
    const format = formatOf(parsed);
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
    await giveRows(settings, { columns, rows }, format);
    return 0;
  },
};
