/** `/metrics`: every number of the process as Prometheus text. */
import { Hono } from "hono";
import type { Clock } from "../lib/clock.ts";
import { Fault } from "../lib/errors.ts";
import type { Health } from "../lib/observe/health.ts";
import { type Metrics, prometheusText } from "../lib/observe/metrics.ts";
import type { Env } from "./door.ts";
import type { Progress } from "./progress.ts";

export interface MetricsDeps {
  metrics: Metrics;
  /** How far the lake is, for the one number that no thread keeps. */
  progress(): Promise<Progress>;
  health: Pick<Health, "report">;
  clock: Pick<Clock, "sleep">;
}

/** A scrape does not wait longer for a store or broker that is away: the next one has what they said since. */
const PATIENCE_MS = 1_000;

export function metrics({ metrics, progress, health, clock }: MetricsDeps): Hono<Env> {
  return new Hono<Env>().get("/metrics", async (c) => {
    const over = new AbortController();
    const late = clock.sleep(PATIENCE_MS, over.signal).catch(() => undefined);
    await Promise.race([
      Promise.all([tellFreshness(metrics, progress), tellDependencies(metrics, health)]),
      late,
    ]);
    over.abort();
    return c.text(prometheusText(metrics.merged()), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    });
  });
}

async function tellFreshness(metrics: Metrics, progress: MetricsDeps["progress"]): Promise<void> {
  try {
    const { freshness_seconds } = await progress();
    if (freshness_seconds !== null) metrics.gauge("freshness_seconds", {}).set(freshness_seconds);
  } catch (error) {
    // Nobody knows: an old number would pass for the present.
    if (!(error instanceof Fault)) throw error;
    metrics.drop("freshness_seconds", {});
  }
}

async function tellDependencies(metrics: Metrics, health: MetricsDeps["health"]): Promise<void> {
  for (const { name, condition } of await health.report()) {
    metrics.gauge("dependency_up", { dependency: name }).set(condition === "down" ? 0 : 1);
  }
}
