/**
 * One partition's owner: claims it, restores its state, turns records into segments, and decides checkpoints.
 *
 *   claim ─► restore ─► ┌ read ─► process ─► (results acknowledged) ─► segment ─► decide ┐ ─► asked to go: decide, end
 *     ▲                 └────────────────────────────────────────────────────────────────┘
 *     └── lost a decision: drop everything, wait until the newest stood still, claim again
 */
import type { Clock } from "../clock.ts";
import { type CheckpointChain } from "../checkpoint/chain.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { claim } from "../checkpoint/claim.ts";
import { Fault, messageOf } from "../errors.ts";
import type { SchemaBody } from "../event/column_change.ts";
import type { EventLog, LogIdentity } from "../log/log.ts";
import type { ObjectStore } from "../store/object_store.ts";
import type { Seeds } from "./control_record.ts";
import { refuseForeignBounds } from "./own_log.ts";
import { PartitionRun } from "./run.ts";
import type { Processor } from "./processor.ts";

/** What the owner tells whoever watches; nothing depends on it being heard. */
export interface OwnerEvents {
  claimed(checkpoint: Checkpoint): void;
  /**
   * It went on: begins, restored a piece, read, or waits for another owner on purpose. Silence for minutes means that it
   * hangs.
   */
  turned(partition: number): void;
  /** `cut_ms` is how long segment and decision took. */
  decided(checkpoint: Checkpoint, cut_ms: number): void;
  lag(partition: number, lag_records: number, lag_seconds: number): void;
  warn(message: string): void;
  alarm(message: string): void;
}

/** How far a table is: the last checkpoint that it took, and where that one ended. */
export interface AppliedMark {
  number: number;
  next_offset: number;
}

export interface OwnerContext {
  log: EventLog;
  store: ObjectStore;
  clock: Clock;
  identity: LogIdentity;
  chain: CheckpointChain;
  checkpoint_ms: number;
  tick_after_ms: number;
  /** Changes that a restore may have to read before a full image pays; 32 MiB by default. */
  image_floor_bytes?: number;
  newId: () => string;
  newProcessor: (partition: number) => Processor;
  /** The configuration files as they are now; may change while we run. */
  seeds: () => Seeds;
  /** What each table has applied of the partition. */
  applied: (partition: number) => Promise<readonly AppliedMark[]>;
  /** Sees to it that a table has the changes of its columns before rows that know them are decided. */
  evolve: (evolved: SchemaBody) => Promise<void>;
  events: OwnerEvents;
}

const FAULT_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;

/** Owns `partition` until `signal` aborts; resolves after the last decision. Rejects with a Fault that no retry mends. */
export async function ownPartition(
  partition: number,
  context: OwnerContext,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    context.events.turned(partition);
    let gotOn = () => false;
    try {
      const run = await startRun(partition, context);
      if (run) {
        const claimed = run.number;
        gotOn = () => run.number > claimed;
        const ended = await unlessTakenOver(context.chain, () => run.number, () => run.until(signal));
        failures = 0;
        if (ended === "stopped") return;
        context.events.warn(`partition ${partition} was taken over by another owner; dropping its state`);
      }
      await untilStill(context, signal);
    } catch (error) {
      if (signal.aborted && !(error instanceof Fault)) return;
      if (!(error instanceof Fault) || error.retry === "never") throw error;
      context.events.warn(
        `partition ${partition}: ${messageOf(error)}; starting over from its last checkpoint`,
      );
      if (gotOn()) failures = 0;
      const pause_ms = Math.min(MAX_PAUSE_MS, FAULT_PAUSE_MS * 2 ** failures++);
      await context.clock.sleep(pause_ms, signal).catch(() => undefined);
    }
  }
}

async function startRun(partition: number, context: OwnerContext): Promise<PartitionRun | null> {
  const { log, chain, events } = context;
  const { begin: log_begin } = await log.bounds("events", partition);
  await refuseLostChain(partition, log_begin, context);
  const claimed = await claim(chain, {
    log: context.identity,
    log_begin,
    newId: context.newId,
    now: () => context.clock.now(),
    alarm: events.alarm,
  });
  if (claimed.outcome === "beaten") return null;
  const { fence } = claimed;
  return await unlessTakenOver(chain, () => fence.number, async () => {
    // Again: what the fence builds on may be younger than the first look.
    refuseForeignBounds(fence, await log.bounds("events", partition));
    events.claimed(fence);
    // After a damaged checkpoint: no segment crosses what some table has applied already.
    const cuts = (await context.applied(partition)).map(({ next_offset }) => next_offset);
    return await PartitionRun.restore(fence, cuts.filter((offset) => offset > fence.next_offset), context);
  });
}

/** null when it failed because another owner went on: what it no longer needs may be gone, state and records alike. */
async function unlessTakenOver<T>(
  chain: CheckpointChain,
  ours: () => number,
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Fault) || error.retry !== "never") throw error;
    if ((await chain.numbers()).at(-1)! <= ours()) throw error;
    return null;
  }
}

/**
 * Tables hold rows of the partition, and no checkpoint can be read, or none as high as they have applied (a folder that was
 * copied file by file while it was in use): to go on under numbers that were used already would pass for what they have
 * applied, and to begin in the middle of the log would be without its state.
 */
async function refuseLostChain(partition: number, log_begin: number, context: OwnerContext): Promise<void> {
  // The tables first: what is decided and applied meanwhile is seen in the chain, too.
  const applied = await context.applied(partition);
  const number = Math.max(0, ...applied.map((mark) => mark.number));
  const { highest, checkpoint } = await context.chain.head();
  if (number <= highest && (checkpoint || log_begin === 0 || number === 0)) return;
  const state = number > highest
    ? `its newest checkpoint is ${highest}`
    : "none of its checkpoints can be read";
  throw new Fault(
    "checkpoints_lost",
    `Cannot continue partition ${partition}: tables hold its rows up to checkpoint ${number}, but ${state}. ` +
      "Bring the checkpoints back, restore a backup, or start with an empty store",
    { blame: "dependency", retry: "never" },
  );
}

/** Waits until nobody has decided anything for two checkpoint intervals, so that two owners do not duel for ever. */
async function untilStill(context: OwnerContext, signal: AbortSignal): Promise<void> {
  let newest = (await context.chain.numbers()).at(-1) ?? 0;
  while (!signal.aborted) {
    context.events.turned(context.chain.partition);
    await context.clock.sleep(2 * context.checkpoint_ms, signal).catch(() => undefined);
    const now = (await context.chain.numbers()).at(-1) ?? 0;
    if (now === newest) return;
    newest = now;
  }
}
