/** One partition in a folder: its log, its store, an owner with a processor that counts, and what was decided. */
import { CheckpointChain } from "../../lib/checkpoint/chain.ts";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";
import { systemClock } from "../../lib/clock.ts";
import type { EventLog } from "../../lib/log/log.ts";
import { type OwnerContext } from "../../lib/partition/owner.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { decidedRows } from "../decided.ts";
import { CountingProcessor } from "./counting_processor.ts";

const nothing = { body: {}, version: "", file_hash: "" };
const seeds = { rules: nothing, settings: nothing };

/** One after the other, seen together or not at all. */
export function append(log: EventLog, ...values: readonly number[]): Promise<number[]> {
  const encoder = new TextEncoder();
  return log.append(
    "events",
    values.map((value) => ({
      partition: 0,
      key: null,
      value: encoder.encode(String(value)),
      headers: { source: "test" },
      received_at: value,
    })),
  );
}

export interface Watched {
  context: OwnerContext;
  caughtUp: Promise<void>;
}

/** An owner that cuts a checkpoint every few records, and says when it has them all. */
export async function watched(log: EventLog, store: ObjectStore, records: number): Promise<Watched> {
  const caughtUp = Promise.withResolvers<void>();
  const chain = new CheckpointChain(store, 0, () => Promise.resolve());
  const small: EventLog = {
    ...bound(log),
    read: (topic, partition, from, limits, signal) =>
      log.read(topic, partition, from, { ...limits, max_records: 5, wait_ms: 1 }, signal),
  };
  const check = (checkpoint: Checkpoint) => void (checkpoint.next_offset === records && caughtUp.resolve());
  const context: OwnerContext = {
    log: small,
    store,
    chain,
    identity: await log.identity("events"),
    clock: { now: () => Date.now(), sleep: (_ms, signal) => systemClock.sleep(1, signal) },
    checkpoint_ms: 0,
    tick_after_ms: 1_000_000,
    newId: () => crypto.randomUUID(),
    newProcessor: () => new CountingProcessor(),
    seeds: () => seeds,
    applied: () => Promise.resolve([]),
    evolve: () => Promise.resolve(),
    events: {
      // A decision whose answer was lost shows in the next claim.
      claimed: check,
      decided: check,
      turned: () => undefined,
      lag: () => undefined,
      warn: () => undefined,
      alarm: () => undefined,
    },
  };
  return { context, caughtUp: caughtUp.promise };
}

export function bound(log: EventLog): EventLog {
  return {
    identity: (topic) => log.identity(topic),
    append: (topic, records) => log.append(topic, records),
    bounds: (topic, partition) => log.bounds(topic, partition),
    read: (topic, partition, from, limits, signal) => log.read(topic, partition, from, limits, signal),
    offsetAt: (topic, partition, time_ms) => log.offsetAt(topic, partition, time_ms),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Rows of all decided segments, in the order of the chain. */
export async function decided(folder: string): Promise<{ rows: unknown[]; last: Checkpoint }> {
  await using store = await openDiskStore(`${folder}/store`);
  const { rows, last } = await decidedRows(store);
  return { rows: rows.map(({ row }) => row), last };
}
