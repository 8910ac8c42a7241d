/**
 * The collector: deletes what nothing needs any more, judged by what is named and fenced, never by age (PROTOCOL.md 9).
 *
 *   partitions   segments, state images, then checkpoints from the bottom up     (checkpoint/garbage.ts decides)
 *   tables       two passes with a fence and a grace in between                  (table_garbage.ts)
 *   log          records that are processed, published and old enough
 *
 * What tables have applied is read before the checkpoints, objects are listed before both: whatever happens meanwhile
 * only makes more of what was seen dead, so that any number may collect beside owners, publishers and each other.
 */
import type { CheckpointChain } from "../checkpoint/chain.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { partitionGarbage } from "../checkpoint/garbage.ts";
import { checkpointKey, imagePrefix, segmentPrefix } from "../checkpoint/paths.ts";
import { RAW_EVENTS } from "../event/raw_event.ts";
import type { EventLog, Topic } from "../log/log.ts";
import { TOPICS } from "../log/topics.ts";
import { type Applied, appliedOf, markOf } from "./applied.ts";
import {
  type CollectOptions,
  collectTable,
  type TableCollected,
  type TableGarbageContext,
} from "./table_garbage.ts";
import { tableKey } from "./table_key.ts";

export interface CollectorContext extends TableGarbageContext {
  chains: ReadonlyMap<number, CheckpointChain>;
  /** null: there is none here to be trimmed. */
  log: EventLog | null;
  log_retention_hours: number;
}

export interface PartitionCollected {
  segments: number;
  images: number;
  checkpoints: number;
}

export interface Collected extends TableCollected, PartitionCollected {}

const HOUR_MS = 3_600_000;
/** Longer than any query, and than the 600 s of an audit. */
export const GRACE_MS = HOUR_MS;
/** Results stay this long even where the log keeps nothing, for whoever sends them on. */
const RESULTS_KEPT_HOURS = 1;
const READ_AT_ONCE = 32;
const DELETED_AT_ONCE = 200;

export class Collector {
  constructor(private readonly context: CollectorContext) {}

  async collect(options: CollectOptions = {}): Promise<Collected> {
    const total: Collected = {
      segments: 0,
      images: 0,
      checkpoints: 0,
      deleted: 0,
      fenced: 0,
      waiting: 0,
    };
    for (const partition of this.context.chains.keys()) {
      if (options.signal?.aborted) return total;
      addInto(total, await this.partition(partition, options));
    }
    for (const name of await this.context.catalog.list()) {
      if (options.signal?.aborted) return total;
      addInto(total, await collectTable(this.context, name, options));
    }
    if (!options.dry_run) await this.#trimResults();
    return total;
  }

  async partition(partition: number, options: CollectOptions = {}): Promise<PartitionCollected> {
    const { store, chains } = this.context;
    const [segments, images] = await Promise.all(
      [segmentPrefix(partition), imagePrefix(partition)].map((prefix) => keysOf(store.list(prefix))),
    );
    const applied = await this.#applied();
    const { numbers, checkpoints } = await readChain(chains.get(partition)!);
    const garbage = partitionGarbage({ numbers, checkpoints, segments, images }, {
      applied: (table) => markOf(applied.get(table) ?? {}, partition).number,
      // The audit compares the raw table with the accounting of the checkpoint that it stands at.
      keep_from: markOf(applied.get(RAW_EVENTS) ?? {}, partition).number,
    });
    if (!options.dry_run) {
      await this.#delete([...garbage.segments, ...garbage.images], options.signal);
      for (const number of garbage.checkpoints) {
        options.signal?.throwIfAborted();
        await store.delete([checkpointKey(partition, number)]);
      }
      await this.#trimEvents(partition, garbage.log_from);
    }
    const { length } = garbage.checkpoints;
    return { segments: garbage.segments.length, images: garbage.images.length, checkpoints: length };
  }

  /** What each table has applied, by its key. */
  async #applied(): Promise<Map<string, Applied>> {
    const { catalog } = this.context;
    const tables = await Promise.all((await catalog.list()).map((name) => catalog.load(name)));
    return new Map(
      tables.filter((table) => table !== null)
        .map((table) => [tableKey(table.name), appliedOf(table.metadata)]),
    );
  }

  async #delete(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    for (let at = 0; at < keys.length; at += DELETED_AT_ONCE) {
      signal?.throwIfAborted();
      await this.context.store.delete(keys.slice(at, at + DELETED_AT_ONCE));
    }
  }

  async #trimEvents(partition: number, from: number): Promise<void> {
    if (from === 0) return;
    await this.#trim("events", partition, { before: from, hours: this.context.log_retention_hours });
  }

  async #trimResults(): Promise<void> {
    const { log, log_retention_hours } = this.context;
    if (!log) return;
    const hours = Math.max(log_retention_hours, RESULTS_KEPT_HOURS);
    for (const topic of TOPICS.filter((one) => one !== "events")) {
      const { partitions } = await log.identity(topic);
      for (let partition = 0; partition < partitions; partition++) {
        await this.#trim(topic, partition, { before: Infinity, hours });
      }
    }
  }

  async #trim(
    topic: Topic,
    partition: number,
    { before, hours }: { before: number; hours: number },
  ): Promise<void> {
    const { log, clock } = this.context;
    if (!log) return;
    const young = await log.offsetAt(topic, partition, clock.now() - hours * HOUR_MS);
    await log.trim(topic, partition, Math.min(before, young));
  }
}

async function readChain(chain: CheckpointChain) {
  const numbers = await chain.numbers();
  const checkpoints = new Map<number, Checkpoint>();
  for (let at = 0; at < numbers.length; at += READ_AT_ONCE) {
    const some = numbers.slice(at, at + READ_AT_ONCE);
    const read = await Promise.all(some.map((number) => chain.read(number)));
    for (const checkpoint of read) if (checkpoint) checkpoints.set(checkpoint.number, checkpoint);
  }
  return { numbers, checkpoints };
}

async function keysOf(entries: AsyncIterable<{ key: string }>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of entries) keys.push(key);
  return keys;
}

function addInto(total: Collected, part: Partial<Collected>): void {
  for (const name of Object.keys(part) as (keyof Collected)[]) total[name] += part[name] ?? 0;
}
