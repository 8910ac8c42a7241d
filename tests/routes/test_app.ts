/** The real application over a log in memory, for tests of its routes. */
import { systemClock } from "../../lib/clock.ts";
import { readSettings, type Settings } from "../../lib/config.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import type { NewRecord } from "../../lib/log/log.ts";
import { Health } from "../../lib/observe/health.ts";
import { logLines } from "../../lib/observe/log_line.ts";
import { LastTrouble } from "../../lib/observe/last_trouble.ts";
import { Metrics } from "../../lib/observe/metrics.ts";
import { scrubber, secretsOf } from "../../lib/observe/scrub.ts";
import { createSources } from "../../lib/source/sources.ts";
import { type App, type AppDeps, createApp } from "../../routes/app.ts";
import { STRIPE_SECRET } from "../stripe_sender.ts";

export interface TestApp {
  app: App;
  deps: AppDeps;
  /** What was appended, in order. */
  records: NewRecord[];
  /** What was logged, as JSON lines. */
  lines: string[];
}

export const PARTITIONS = 4;
const SOURCES = createSources();

export function settingsOf(env: Record<string, string> = {}): Settings {
  const reading = readSettings({ STRIPE_WEBHOOK_SECRET: STRIPE_SECRET, ...env }, () => "");
  if (!reading.ok) throw new TypeError(JSON.stringify(reading.faults));
  return reading.settings;
}

export function testApp(env: Record<string, string> = {}, more: Partial<AppDeps> = {}): TestApp {
  const settings = settingsOf(env);
  const clock = more.clock ?? systemClock;
  const scrub = scrubber(secretsOf(settings));
  const records: NewRecord[] = [];
  const lines: string[] = [];
  const deps: AppDeps = {
    role: "all",
    clock,
    settings,
    log: {
      append(_topic, appended) {
        records.push(...appended);
        return Promise.resolve(appended.map((_, at) => records.length - appended.length + at));
      },
    },
    appends: new LastTrouble(clock),
    partitions: PARTITIONS,
    sources: () => SOURCES,
    kinds: () => kindsOf(),
    metrics: new Metrics(),
    lines: logLines({ level: "debug", format: "json", clock, scrub, write: (line) => lines.push(line) }),
    scrub,
    health: new Health([], clock),
    status: () => Promise.resolve({ settled: true }),
    has_door: true,
    ...more,
  };
  return { app: createApp(deps), deps, records, lines };
}

/** A clock that stands still until it is told otherwise. */
export function handClock(start_ms = 1_800_000_000_000) {
  let now_ms = start_ms;
  const sleepers: { at_ms: number; wake: () => void }[] = [];
  return {
    now: () => now_ms,
    sleep(ms: number, signal?: AbortSignal): Promise<void> {
      return new Promise((wake, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        sleepers.push({ at_ms: now_ms + ms, wake });
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
    advance(ms: number): void {
      now_ms += ms;
      for (const sleeper of sleepers.filter(({ at_ms }) => at_ms <= now_ms)) sleeper.wake();
    },
  };
}
