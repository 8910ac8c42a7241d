/** What waits beside the log while the brokers are away: told by a log that spills, nothing for any other. */
import type { EventLog } from "./log.ts";

export interface SpillState {
  records: number;
  bytes: number;
  /** Log time of the oldest record in it; null when it is empty. */
  oldest_ms: number | null;
}

export interface Spilling {
  readonly state: SpillState;
}

const NOTHING: SpillState = { records: 0, bytes: 0, oldest_ms: null };

export function spillStateOf(log: EventLog | (EventLog & Spilling) | null): SpillState {
  return log !== null && "state" in log ? log.state : NOTHING;
}

/** How long the oldest record has waited; 0 when none does. */
export function spillAgeSeconds({ oldest_ms }: SpillState, now_ms: number): number {
  return oldest_ms === null ? 0 : Math.max(0, now_ms - oldest_ms) / 1000;
}
