/** `/api/status` in full: what the lake says, and beside it what only this process knows. */
import type { Clock } from "../lib/clock.ts";
import type { LakeStatus } from "../lib/lake/status.ts";
import { liveStages } from "../lib/live/stages.ts";
import type { EventLog } from "../lib/log/log.ts";
import type { Health } from "../lib/observe/health.ts";
import type { Metrics } from "../lib/observe/metrics.ts";

/** What waits beside the log because the broker is away. */
export interface Spill {
  readonly state: { records: number; bytes: number; oldest_ms: number | null };
}

/** Only a log with a spill has a state to tell. */
export function spillOf(log: EventLog): Spill | null {
  return "state" in log ? log as EventLog & Spill : null;
}

export function tellSpill(spill: Spill, metrics: Metrics): void {
  metrics.beforeReading(() => {
    metrics.gauge("spill_records", {}).set(spill.state.records);
    metrics.gauge("spill_bytes", {}).set(spill.state.bytes);
  });
}

export interface FullStatusParts {
  status(): Promise<LakeStatus>;
  /** null where nothing can spill: nothing waits then. */
  spill: Spill | null;
  health: Pick<Health, "report">;
  clock: Clock;
  /** Events a second at this door. */
  rate(): number;
}

export function fullStatus(parts: FullStatusParts): () => Promise<object> {
  return async () => {
    const status = await parts.status();
    const reports = await parts.health.report();
    const isDown = (name: string) => reports.some((one) => one.name === name && one.condition === "down");
    const { deno, v8, typescript } = Deno.version;
    return {
      ...status,
      spill: spillStatus(parts.spill, parts.clock),
      stages: liveStages(status, parts.rate(), isDown),
      versions: { deno, v8, typescript },
    };
  };
}

function spillStatus(spill: Spill | null, clock: Clock) {
  const { records, bytes, oldest_ms } = spill?.state ?? { records: 0, bytes: 0, oldest_ms: null };
  const oldest_seconds = oldest_ms === null ? null : Math.max(0, clock.now() - oldest_ms) / 1000;
  return { records, bytes, oldest_seconds };
}
