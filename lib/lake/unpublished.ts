/**
 * Rows of decided checkpoints, against what a table has applied: how many it should hold, and which can never reach it
 * because the table is gone, or a segment was gone first. What is still to be published is no fault.
 */
import type { CheckpointChain } from "../checkpoint/chain.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { type Applied, appliedOf, markOf } from "./applied.ts";
import { parseTableKey, tableKey } from "./table_key.ts";

/** By partition, the readable checkpoints that the newest one stands on, ascending. */
export type Chains = ReadonlyMap<CheckpointChain["partition"], readonly Checkpoint[]>;

interface Lake {
  catalog: Pick<Catalog, "load">;
  store: Pick<ObjectStore, "head">;
  /** Tables of which nobody knows what they have applied; that is told already. */
  unreadable: readonly string[];
}

/** Rows that the table should hold; null where no checkpoint tells (a table that is not fed by checkpoints). */
export function decidedRows(key: string, applied: Applied, chains: Chains): number | null {
  let sum = 0;
  for (const [partition, chain] of chains) {
    const newest = chain.at(-1);
    if (!newest?.totals[key]) continue;
    const { number } = markOf(applied, partition);
    const waiting = chain.filter((one) => one.number > number).reduce(
      (rows, one) => rows + (one.tables[key]?.rows ?? 0),
      0,
    );
    sum += newest.totals[key].rows - waiting;
  }
  return sum === 0 && Object.keys(applied).length === 0 ? null : sum;
}

/** A sentence for each table that is gone, and for each segment that went before its rows were published. */
export async function lostRows(
  tables: readonly LoadedTable[],
  chains: Chains,
  lake: Lake,
): Promise<string[]> {
  const { unreadable } = lake;
  const applied = new Map(tables.map(({ name, metadata }) => [tableKey(name), appliedOf(metadata)]));
  const fed = new Set([...chains.values()].flatMap((chain) => Object.keys(chain.at(-1)?.totals ?? {})));
  const problems = [...fed].flatMap((key) => {
    const rows = applied.has(key) || unreadable.includes(key) ? null : decidedRows(key, {}, chains);
    return rows === null ? [] : [`${key}: ${rows} rows were decided and applied, and the table is not there`];
  });
  for (const [partition, chain] of chains) {
    for (const checkpoint of chain) {
      const appliedTo = (key: string) =>
        unreadable.includes(key) ? Infinity : markOf(applied.get(key) ?? {}, partition).number;
      const waiting = waitingFor(checkpoint, appliedTo);
      if (waiting.length === 0 || await isThere(checkpoint, lake)) continue;
      for (const key of waiting) {
        const table = await lake.catalog.load(parseTableKey(key));
        // Published and collected since the tables were read.
        if (table && markOf(appliedOf(table.metadata), partition).number >= checkpoint.number) continue;
        const place = `checkpoint ${checkpoint.number} of partition ${partition}`;
        problems.push(`${key}: the segment of ${place} is gone, and its rows were not published`);
      }
    }
  }
  return problems;
}

/** Tables for which the checkpoint has rows that they have not applied. */
function waitingFor({ number, tables }: Checkpoint, appliedTo: (key: string) => number): string[] {
  return Object.keys(tables).filter((key) => tables[key].rows > 0 && appliedTo(key) < number);
}

async function isThere({ segment }: Checkpoint, { store }: Lake): Promise<boolean> {
  return segment === null || await store.head(segment.key) !== null;
}
