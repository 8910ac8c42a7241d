/** `/api/status` in full: what the lake says, and beside it what only this process knows. */
import type { LakeStatus } from "../lib/lake/status.ts";
import { liveStages } from "../lib/live/stages.ts";
import type { Health } from "../lib/observe/health.ts";

export interface FullStatusParts {
  status(): Promise<LakeStatus>;
  /** Without a log nobody knows what waits there. */
  has_log: boolean;
  health: Pick<Health, "report">;
  /** Events a second at this door. */
  rate(): number;
}

const NOT_KNOWN = { settled: false, freshness_seconds: null };

export function fullStatus(parts: FullStatusParts): () => Promise<object> {
  return async () => {
    const status = await parts.status();
    const reports = await parts.health.report();
    const isDown = (name: string) => reports.some((one) => one.name === name && one.condition === "down");
    const { deno, v8, typescript } = Deno.version;
    return {
      ...status,
      ...(parts.has_log ? {} : NOT_KNOWN),
      stages: liveStages(status, parts.rate(), isDown),
      versions: { deno, v8, typescript },
    };
  };
}
