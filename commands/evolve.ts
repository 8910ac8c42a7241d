/**
 * `main.ts evolve`: changes the columns of a kind's table while events come in; no file is written anew.
 *
 *   the table gets the column ─► a `schema` record for every partition ─► from there on rows have it
 *
 * Whatever ends between the two is mended by the same command once more: the table has the change already, and a record
 * that repeats what is in force changes nothing.
 */
import { systemClock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import { ANY_ADDED, configText, type Configuration, loadConfiguration } from "../lib/configuration.ts";
import { connectCatalog, connectLog, lakePrefix, openStore, prepareLog } from "../lib/connect.ts";
import { PLAIN_TYPES } from "../lib/event/cell.ts";
import { type ColumnChange, isSameChange } from "../lib/event/column_change.ts";
import type { Kind } from "../lib/event/kind.ts";
import type { TableMetadata } from "../lib/iceberg/metadata.ts";
import { currentSchema } from "../lib/iceberg/metadata.ts";
import { columnType, withChange } from "../lib/lake/change_plan.ts";
import type { ColumnUsers } from "../lib/lake/column_uses.ts";
import { ensureTables } from "../lib/lake/ensure_tables.ts";
import { evolutionOf, evolveTable, withChanges } from "../lib/lake/evolution.ts";
import { readModelFolder } from "../lib/lake/model_folder.ts";
import { parseTableKey } from "../lib/lake/table_key.ts";
import { lakeTables } from "../lib/lake/tables.ts";
import { lakeViews } from "../lib/lake/views.ts";
import { controlRecord, seedPartitions } from "../lib/partition/control_record.ts";
import { readRuleFile } from "../lib/stream/rule_definition.ts";
import { parseArguments, wrongUsage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { needLake } from "./lake_place.ts";

const FORMS = "add <column> <type> [--doc <sentence>], widen <column> <type>, rename <column> <name>, " +
  "drop <column>, or nothing to see what there is";

/** What questions of the API and of commands name, without a model or a view. */
const ASKED_OF_TRANSACTIONS = `SELECT user_id, amount, currency, status, merchant_id, merchant_name, z_score
  FROM processed.transactions`;

export const evolve: Command = {
  names: ["evolve"],
  usage: "evolve <kind> [add|widen|rename|drop <column> ...] [--dry-run]",
  doc: "change the columns of a kind's table, from the next event on",
  more: [
    "evolve <kind>                               the columns as they are, and how they came to be so",
    "evolve <kind> add <column> <type> [--doc S] later events' field of that name goes into it instead of extra",
    "evolve <kind> widen <column> <type>         int to long, decimal(p, s) to a higher p",
    "evolve <kind> rename <column> <name>",
    "evolve <kind> drop <column>",
    `Types are ${PLAIN_TYPES.join(", ")} and decimal(p, s). No data file is written anew.`,
    "What a rule, window, model or view uses, and what every kind has, cannot be renamed or dropped.",
    "Interrupted? The same command once more finishes it.",
  ],
  on_lake: true,
  async run({ args, settings }) {
    const { words, flags, options } = parseArguments(args, {
      words: [1, 4],
      flags: ["dry-run"],
      options: ["doc"],
    });
    const configuration = await loadConfiguration(settings, { added: ANY_ADDED });
    const kind = kindOf(configuration, words[0]);
    const change = changeOf(words.slice(1), options.doc);
    await using lake = await openTable(settings, configuration, kind);
    const { metadata } = lake;
    const there = evolutionOf(metadata);
    if (change === null) {
      for (const line of columnLines(metadata, there)) console.log(line);
      return 0;
    }
    const isRetry = there.length > 0 && isSameChange(there.at(-1)!, change);
    const changes = isRetry ? there : withChange(kind, there, change, await usersOf(settings, configuration));
    // Refuses what the table itself cannot bear, before anything is said or done.
    withChanges(metadata, changes, systemClock.now());
    for (const line of planLines(lake.key, change)) console.log(line);
    if (flags.has("dry-run")) {
      console.log(`evolve: ${lake.key} would be changed`);
      return 0;
    }
    await evolveTable(lake.context, lake.key, changes);
    const partitions = await announce(settings, configuration, { kind: kind.name, changes });
    const done = isRetry ? "was changed before, told again to" : "changed, told to";
    console.log(`evolve: ${lake.key} ${done} ${partitions} partitions`);
    return 0;
  },
};

function kindOf({ kinds }: Configuration, name: string): Kind {
  const kind = kinds.get(name);
  if (kind) return kind;
  throw wrongUsage(`there is no kind ${name}; there are ${[...kinds.keys()].join(", ")}`);
}

function changeOf([what, name, more]: readonly string[], doc?: string): ColumnChange | null {
  if (what === undefined) return null;
  if (name === undefined) throw wrongUsage(`after the kind comes ${FORMS}`);
  if (what === "drop" && more === undefined) return { change: "drop", name };
  if (more === undefined) throw wrongUsage(`after the kind comes ${FORMS}`);
  switch (what) {
    case "add":
      return {
        change: "add",
        column: { name, type: columnType(more), doc: doc ?? `The field ${name} of the event.` },
      };
    case "widen":
      return { change: "widen", name, type: columnType(more) };
    case "rename":
      return { change: "rename", name, to: more };
    default:
      throw wrongUsage(`after the kind comes ${FORMS}`);
  }
}

async function openTable(settings: Settings, { kinds, windows }: Configuration, kind: Kind) {
  await needLake(settings);
  await using building = new AsyncDisposableStack();
  const store = building.use(await openStore(settings));
  const catalog = connectCatalog(settings, store);
  const key = `processed.${kind.table}`;
  const now = systemClock.now;
  const specs = lakeTables(kinds, windows).filter((spec) => spec.key === key);
  await ensureTables({ catalog, store, specs, prefix: lakePrefix(settings), now });
  const { metadata } = (await catalog.load(parseTableKey(key)))!;
  const stack = building.move();
  return {
    key,
    metadata,
    context: { catalog, store, now },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function usersOf(settings: Settings, { kinds, windows }: Configuration): Promise<ColumnUsers> {
  const { models, checks } = await readModelFolder();
  const { definitions: rules } = readRuleFile(await configText(`${settings.CONFIG_DIR}/rules.yaml`), kinds);
  return {
    rules,
    windows,
    sql: [
      ...models.map(({ name, sql }) => ({ what: `the model ${name}`, sql })),
      ...checks.map(({ name, sql }) => ({ what: `the check ${name}`, sql })),
      ...lakeViews(kinds, windows).map(({ name, sql }) => ({ what: `the view ${name}`, sql })),
      { what: "the API", sql: ASKED_OF_TRANSACTIONS },
    ],
  };
}

/** Every partition is told, also one that is empty still: its first records are then those that seed it. */
async function announce(
  settings: Settings,
  configuration: Configuration,
  body: { kind: string; changes: readonly ColumnChange[] },
): Promise<number> {
  await using log = await connectLog(settings);
  await prepareLog(settings);
  const { partitions } = await log.identity("events");
  const now = systemClock.now();
  await seedPartitions(log, partitions, { seeds: configuration, now });
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const record = (partition: number) => controlRecord("schema", partition, { body, received_at: now });
  await log.append("events", all.map(record));
  return partitions;
}

function columnLines(metadata: TableMetadata, changes: readonly ColumnChange[]): string[] {
  const { fields } = currentSchema(metadata);
  const width = Math.max(...fields.map((field) => field.name.length)) + 2;
  const columns = fields.map(({ name, type }) => `${name.padEnd(width)}${textOf(type)}`);
  return [...columns, ...changes.map((change, i) => `change ${i + 1}: ${sentence(change)}`)];
}

function textOf(type: unknown): string {
  return typeof type === "string" ? type : JSON.stringify(type);
}

function planLines(key: string, change: ColumnChange): string[] {
  return [`${key}: ${sentence(change)}`, `  ${consequence(change)}`, "  no data file is written anew"];
}

function sentence(change: ColumnChange): string {
  switch (change.change) {
    case "add":
      return `add ${change.column.name} ${change.column.type}`;
    case "widen":
      return `widen ${change.name} to ${change.type}`;
    case "rename":
      return `rename ${change.name} to ${change.to}`;
    case "drop":
      return `drop ${change.name}`;
  }
}

function consequence(change: ColumnChange): string {
  switch (change.change) {
    case "add":
      return `later events' field ${change.column.name} leaves extra and goes into the column; in earlier rows it is null`;
    case "widen":
      return "files from before are read as the wider type";
    case "rename":
      return `events keep the field they have, and may call it ${change.to} where the kind does not know it`;
    case "drop":
      return "the column is gone from every row, snapshots from before still show it";
  }
}
