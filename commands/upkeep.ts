/** `main.ts compact`, `expire`, `collect`: now what the schedule does by itself, beside a running server or without one. */
import { systemClock } from "../lib/clock.ts";
import { partitionsOf } from "../lib/checkpoint/partitions.ts";
import type { Settings } from "../lib/config.ts";
import { loadConfiguration } from "../lib/configuration.ts";
import {
  connectCatalog,
  connectChains,
  connectLander,
  connectLog,
  connectWriter,
  lakePrefix,
  openStore,
} from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import type { LoadedTable } from "../lib/iceberg/catalog.ts";
import { Collector, GRACE_MS } from "../lib/lake/collector.ts";
import { Compactor } from "../lib/lake/compactor.ts";
import { expireTable } from "../lib/lake/expiry.ts";
import { refuseElsewhere } from "../lib/lake/ensure_tables.ts";
import { misplacedTables } from "../lib/lake/relocation.ts";
import { dropOldDays, retainedTables } from "../lib/lake/retention.ts";
import { plainLayout } from "../lib/lake/table_list.ts";
import { tableKey } from "../lib/lake/table_key.ts";
import { lakeTables } from "../lib/lake/tables.ts";
import { addedInLake } from "./added_columns.ts";
import { parseArguments, wholeOption } from "./arguments.ts";
import type { Command } from "./command.ts";
import { tableOf } from "./lake.ts";
import { needLake } from "./lake_place.ts";
import { progressOnTerminal, whileWaiting } from "./progress.ts";
import { sizeText } from "./size_text.ts";

const DAY_S = 86_400;

export const compact: Command = {
  names: ["compact"],
  usage: "compact [table] [--full] [--dry-run]",
  doc: "merge small files into large sorted ones",
  more: [
    "The table is stage.table, or its name alone; without one all are looked at.",
    "--full leaves one small file of a partition of the table, where the schedule keeps a few that still grow.",
  ],
  on_lake: true,
  async run({ args, settings }) {
    const { words: [only], flags } = parseArguments(args, { words: [0, 1], flags: ["full", "dry-run"] });
    await using lake = await openTables(settings);
    await using writer = await connectWriter(settings);
    const { store, catalog } = lake;
    const compactor = new Compactor({
      store,
      catalog,
      writer,
      lander: connectLander(settings, store, writer),
    });
    const layouts = await layoutsOf(settings, await lake.tables(only));
    const progress = progressOnTerminal("tables", layouts.length, systemClock);
    const total = { units: 0, files_before: 0, files_after: 0, bytes: 0, dropped_rows: 0 };
    for (const layout of layouts) {
      const options = { full: flags.has("full"), dry_run: flags.has("dry-run") };
      const done = await compactor.compact(layout, options);
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += done[name];
      progress.add(1);
      if (done.units > 0) console.log(`${layout.key}: ${done.files_before} files to ${done.files_after}`);
    }
    progress.end();
    const { files_before, files_after, bytes, dropped_rows } = total;
    const dropped = dropped_rows === 0 ? "" : `, ${dropped_rows} superseded revisions left out`;
    console.log(
      total.units === 0
        ? "compact: nothing to do"
        : `compact: ${files_before} files ${verb(flags)} ${files_after}, ${sizeText(bytes)} read${dropped}`,
    );
    return 0;
  },
};

export const expire: Command = {
  names: ["expire"],
  usage: "expire [--dry-run]",
  doc: "let go of old days (TABLE_RETENTION_DAYS) and of snapshots beyond time travel",
  on_lake: true,
  async run({ args, settings }) {
    const { flags } = parseArguments(args, { flags: ["dry-run"] });
    const dry_run = flags.has("dry-run");
    await using lake = await openTables(settings);
    const context = { ...lake, clock: systemClock };
    const tables = await lake.tables();
    let rows = 0;
    for (const { name, days } of retainedTables(settings.table_retention_days, tables)) {
      const dropped = await dropOldDays(context, name, { days, dry_run });
      rows += dropped?.rows ?? 0;
      if (dropped) console.log(`${dropped.table}: ${dropped.rows} rows older than ${days} days`);
    }
    const progress = progressOnTerminal("tables", tables.length, systemClock);
    let [before, after] = [0, 0];
    for (const { name } of tables) {
      const expired = await expireTable(context, name, { full: true, dry_run });
      before += expired?.before ?? 0;
      after += expired?.after ?? 0;
      progress.add(1);
    }
    progress.end();
    const let_go = rows === 0 ? "" : `${rows} rows ${dry_run ? "would go" : "went"}, `;
    console.log(
      before === after && rows === 0
        ? "expire: nothing to do"
        : `expire: ${let_go}${before} snapshots ${verb(flags)} ${after}`,
    );
    return 0;
  },
};

export const collect: Command = {
  names: ["collect"],
  usage: "collect [--grace <seconds>] [--dry-run]",
  doc: "delete what nothing names any more; what is found dead now goes when its grace is over",
  more: [
    `--grace is how many seconds a dead file is still kept for whoever reads by an old list (${
      GRACE_MS / 1000
    }).`,
  ],
  on_lake: true,
  async run({ args, settings }) {
    const parsed = parseArguments(args, { flags: ["dry-run"], options: ["grace"] });
    const dry_run = parsed.flags.has("dry-run");
    const grace_s = wholeOption(parsed, "grace", GRACE_MS / 1000, [0, 30 * DAY_S]);
    await using lake = await openTables(settings);
    // The broker trims its log by itself.
    await using log = settings.KAFKA_BROKERS === null ? await connectLog(settings) : null;
    const collector = new Collector({
      ...lake,
      log,
      clock: systemClock,
      chains: connectChains(lake.store, await partitionsOf(lake.store)),
      prefix: lakePrefix(settings),
      grace_ms: grace_s * 1000,
      log_retention_hours: settings.LOG_RETENTION_HOURS,
    });
    const done = await whileWaiting(
      "collecting",
      systemClock,
      () => collector.collect({ full: true, dry_run }),
    );
    const { deleted, segments, images, checkpoints } = done;
    const gone = `${deleted} files, ${segments} segments, ${images} images, ${checkpoints} checkpoints`;
    const waiting = done.waiting + done.fenced;
    const rest = waiting === 0 ? "" : `; ${waiting} files wait for their grace of ${grace_s} s`;
    console.log(
      deleted + segments + images + checkpoints + waiting === 0
        ? "collect: nothing to do"
        : `collect: ${gone} ${dry_run ? "would be deleted" : "deleted"}${rest}`,
    );
    return 0;
  },
};

/**
 * Not of a lake that was copied and not relocated: its tables name files where it was. In one bucket these are there, so
 * that the copies would be taken for garbage, and new files would be half here and half there.
 */
async function openTables(settings: Settings) {
  await needLake(settings);
  await using opening = new AsyncDisposableStack();
  const store = opening.use(await openStore(settings));
  const catalog = connectCatalog(settings, store);
  const place = { catalog, store, clock: systemClock, prefix: lakePrefix(settings) };
  for (const { table, location } of await misplacedTables(place)) refuseElsewhere(table, location);
  opening.move();
  return {
    store,
    catalog,
    /** All tables, or the one named. */
    async tables(only?: string): Promise<LoadedTable[]> {
      if (only !== undefined) return [await tableOf(catalog, only) ?? noTable(only)];
      const tables = await Promise.all((await catalog.list()).map((name) => catalog.load(name)));
      return tables.filter((table) => table !== null);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function layoutsOf(settings: Settings, tables: readonly LoadedTable[]) {
  const { kinds, windows } = await loadConfiguration(settings, { added: addedInLake(settings) });
  const specs = new Map(lakeTables(kinds, windows).map((spec) => [spec.key, spec]));
  return tables.map((table) => specs.get(tableKey(table.name)) ?? plainLayout(table));
}

function verb(flags: ReadonlySet<string>): string {
  return flags.has("dry-run") ? "would become" : "became";
}

function noTable(key: string): never {
  throw new Fault("not_found", `Cannot find the table ${key}: there is none`, {
    blame: "sender",
    retry: "never",
  });
}
