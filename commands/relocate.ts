/** `main.ts relocate`: after DATA_DIR or the bucket was moved, rewrites the addresses that tables name. */
import { systemClock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import { connectCatalog, lakePrefix, openStore } from "../lib/connect.ts";
import { misplacedTables, relocateTable } from "../lib/lake/relocation.ts";
import { tableKey } from "../lib/lake/table_key.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { needLake } from "./lake_place.ts";
import { progressOnTerminal } from "./progress.ts";

export const relocate: Command = {
  names: ["relocate"],
  usage: "relocate [--dry-run]",
  doc: "rewrite the addresses that tables name, after DATA_DIR or the bucket was moved",
  on_lake: true,
  async run({ args, settings }) {
    const { flags } = parseArguments(args, { flags: ["dry-run"] });
    await needLake(settings);
    const { tables, manifests } = await relocateAll(settings, flags.has("dry-run"));
    const done = flags.has("dry-run") ? "would be rewritten" : `rewritten, ${manifests} manifests`;
    console.log(
      tables === 0 ? "relocate: every table names its own place" : `relocate: ${tables} tables ${done}`,
    );
    return 0;
  },
};

export async function relocateAll(
  settings: Settings,
  dry_run: boolean,
): Promise<{ tables: number; manifests: number }> {
  await using store = await openStore(settings);
  const catalog = connectCatalog(settings, store);
  const context = { store, catalog, clock: systemClock, prefix: lakePrefix(settings) };
  const misplaced = await misplacedTables(context);
  const progress = progressOnTerminal("tables", misplaced.length, systemClock);
  let manifests = 0;
  for (const one of misplaced) {
    if (dry_run) {
      console.log(`${tableKey(one.table.name)}: ${one.table.metadata.location} to ${one.location}`);
    } else manifests += await relocateTable(context, one);
    progress.add(1);
  }
  progress.end();
  return { tables: misplaced.length, manifests };
}
