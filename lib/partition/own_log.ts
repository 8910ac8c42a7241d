/**
 * Whether a log is the one that a store's checkpoints stand on, and holds what they have not processed. Another log, or an
 * older copy of it, has other records under their offsets: what it took would be passed over, once it is long enough.
 */
import type { CheckpointChain } from "../checkpoint/chain.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { refuseForeignLog } from "../checkpoint/claim.ts";
import { Fault } from "../errors.ts";
import type { Bounds, EventLog } from "../log/log.ts";

/** For a door, before it takes anything: who owns a partition finds out, too, but later. */
export async function refuseStrangeLog(
  log: Pick<EventLog, "identity" | "bounds">,
  chains: ReadonlyMap<number, CheckpointChain>,
): Promise<void> {
  const identity = await log.identity("events");
  await Promise.all([...chains].map(async ([partition, chain]) => {
    const { checkpoint } = await chain.head();
    if (!checkpoint) return;
    refuseForeignLog(checkpoint, identity, partition);
    refuseForeignBounds(checkpoint, await log.bounds("events", partition));
  }));
}

export function refuseForeignBounds({ partition, next_offset }: Checkpoint, { begin, end }: Bounds): void {
  refuseLostRecords(partition, next_offset, begin);
  if (next_offset <= end) return;
  throw new Fault(
    "log_shorter",
    `Cannot continue partition ${partition}: its checkpoint stands at offset ${next_offset}, the log ends at ${end}`,
    { blame: "dependency", retry: "never" },
  );
}

/** Never "latest": records that retention took before they were processed are a loss that people must hear of. */
function refuseLostRecords(partition: number, next_offset: number, begin: number): void {
  if (begin <= next_offset) return;
  throw new Fault(
    "data_loss",
    `Cannot continue partition ${partition}: offset ${next_offset} is next, but the log begins at ${begin}; ` +
      `${begin - next_offset} records are gone`,
    { blame: "dependency", retry: "never" },
  );
}
