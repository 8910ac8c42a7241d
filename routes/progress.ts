/** How far the lake is, in two words for the list of tables: read from the status, at most two seconds old. */
import type { Clock } from "../lib/clock.ts";

export interface Progress {
  /** The least watermark of all partitions that have one. */
  watermark: string | null;
  freshness_seconds: number | null;
  /** Firings held back by cool-downs, by rule. */
  suppressed: Readonly<Record<string, number>>;
}

const FRESH_MS = 2_000;

export function progressOf(
  status: () => Promise<object>,
  clock: Pick<Clock, "now">,
): () => Promise<Progress> {
  let known: { at_ms: number; progress: Promise<Progress> } | null = null;
  return () => {
    const now = clock.now();
    if (known === null || now - known.at_ms >= FRESH_MS) {
      known = { at_ms: now, progress: status().then(readProgress) };
      known.progress.catch(() => known = null);
    }
    return known.progress;
  };
}

function readProgress(status: object): Progress {
  const partitions = "partitions" in status && Array.isArray(status.partitions) ? status.partitions : [];
  const watermarks = partitions.map((one) => one.watermark).filter((one) => typeof one === "string").sort();
  const freshness = "freshness_seconds" in status ? status.freshness_seconds : null;
  return {
    watermark: watermarks[0] ?? null,
    freshness_seconds: typeof freshness === "number" ? freshness : null,
    suppressed: countsOf("suppressed" in status ? status.suppressed : null),
  };
}

function countsOf(value: unknown): Record<string, number> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter(([, count]) => typeof count === "number"));
}

/** The version of the rules that the process workers took over last, as the status tells it. */
export async function versionInForce(status: () => Promise<object>): Promise<string | null> {
  const found = await status();
  return "rules" in found && typeof found.rules === "string" ? found.rules : null;
}
