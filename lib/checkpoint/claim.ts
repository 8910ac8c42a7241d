/** Claiming a partition: a fence with a higher epoch, so that whoever owned it before loses its next decision. */
import { Fault } from "../errors.ts";
import type { LogIdentity } from "../log/log.ts";
import type { CheckpointChain } from "./chain.ts";
import { type Checkpoint, CHECKPOINT_FORMAT, sameLog } from "./checkpoint.ts";

export interface ClaimContext {
  log: LogIdentity;
  /** Where a partition without any checkpoint begins. */
  log_begin: number;
  newId: () => string;
  now: () => number;
  /** A checkpoint that cannot be read was passed over; people must hear of it. */
  alarm: (message: string) => void;
}

export type Claim =
  | { outcome: "claimed"; fence: Checkpoint; passed_over: readonly number[] }
  /** Somebody with an equal or higher epoch was faster: drop all state and back off. */
  | { outcome: "beaten" };

/** Tries to become the owner. Adopts what a lower epoch decides meanwhile, gives way to an equal or higher one. */
export async function claim(chain: CheckpointChain, context: ClaimContext): Promise<Claim> {
  const head = await chain.head();
  for (const one of head.damaged) {
    context.alarm(
      `checkpoint ${one.number} of partition ${chain.partition} is damaged (${one.reason}); continuing from the one before`,
    );
  }
  let base = head.checkpoint;
  let number = head.highest + 1;
  const epoch = (base?.epoch ?? 0) + 1;
  while (true) {
    if (base) refuseForeignLog(base, context.log, chain.partition);
    const fence = fenceAfter(base, { partition: chain.partition, number, epoch, context });
    const attempt = await chain.attempt(fence);
    if (attempt.outcome === "won") {
      return { outcome: "claimed", fence, passed_over: head.damaged.map((one) => one.number) };
    }
    if (!attempt.by || attempt.by.epoch >= epoch) return { outcome: "beaten" };
    base = attempt.by;
    number = base.number + 1;
  }
}

export function refuseForeignLog(base: Checkpoint, log: LogIdentity, partition: number): void {
  if (sameLog(base.log, log)) return;
  throw new Fault(
    "log_replaced",
    `Cannot continue partition ${partition}: its checkpoints belong to log ${base.log.id} with ${base.log.partitions} ` +
      `partitions, but this is log ${log.id} with ${log.partitions}. Bring the old log back, or start with an empty store`,
    { blame: "dependency", retry: "never" },
  );
}

function fenceAfter(
  base: Checkpoint | null,
  made: { partition: number; number: number; epoch: number; context: ClaimContext },
): Checkpoint {
  const next_offset = base?.next_offset ?? made.context.log_begin;
  return {
    format: CHECKPOINT_FORMAT,
    partition: made.partition,
    number: made.number,
    previous: base?.number ?? 0,
    write_id: made.context.newId(),
    epoch: made.epoch,
    log: made.context.log,
    first_offset: next_offset,
    next_offset,
    watermark_ms: base?.watermark_ms ?? null,
    log_time_ms: base?.log_time_ms ?? null,
    segment: null,
    state: base?.state ?? { image: null, after: 0, changed_bytes: 0 },
    tables: {},
    totals: base?.totals ?? {},
    newest_with_events: base?.newest_with_events ?? 0,
    sources: base?.sources ?? {},
    taken_over: base?.taken_over ?? {},
    suppressed: base?.suppressed ?? {},
    decided_at: made.context.now(),
  };
}
