/**
 * The live numbers: read a few times a second while somebody looks, told to everybody as differences.
 *
 *   metrics (every half second) ─┐
 *   topic alerts (every second) ─┼─► what is known ─► difference ─► each client, slow ones merged
 *   status  (every two seconds) ─┘
 *
 * While nobody looks only the history is kept going, once a second, which costs a look at our own counters.
 */
import { type Clock, elapsedMs } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Health } from "../observe/health.ts";
import type { Metrics, Sample } from "../observe/metrics.ts";
import type { Scrub } from "../observe/scrub.ts";
import type { AlertTail } from "./alert_tail.ts";
import { doorCounts, EventCounts, sumBy, total } from "./counts.ts";
import { Fanout, type Feed } from "./fanout.ts";
import { Latencies } from "./latency.ts";
import { difference, type LivePayload, merged } from "./payload.ts";
import { liveStages, type StageStatus } from "./stages.ts";

/** What the hub needs to know of `/api/status`. */
export interface LiveStatus extends StageStatus {
  accounting: readonly {
    source: string;
    accepted: number;
    rows: number;
    duplicates: number;
    dead_letters: number;
    unmapped: number;
  }[];
}

export interface LiveSources {
  clock: Clock;
  metrics: Metrics;
  health: Pick<Health, "report">;
  status(): Promise<LiveStatus>;
  alerts: AlertTail;
  /** Sentences about what people should know (a refused file). */
  problems(): readonly string[];
  scrub: Scrub;
}

export interface LiveMessage {
  id: number;
  payload: LivePayload;
}

const TICK_MS = 500;
const SECOND_MS = 1_000;
const STATUS_MS = 2_000;
const MAX_CLIENTS = 200;

export class LiveHub {
  #known: LivePayload;
  #id = 0;
  #looked = { status_ms: -Infinity, alerts_ms: -Infinity, point_ms: -Infinity };
  #fault: string | null = null;
  #status: LiveStatus | null = null;
  #working: Promise<void> = Promise.resolve();
  readonly #counts = new EventCounts();
  readonly #latencies = new Latencies();
  readonly #clients = new Fanout<LiveMessage>(
    (older, newer) => ({ id: newer.id, payload: merged(older.payload, newer.payload) }),
    MAX_CLIENTS,
  );

  constructor(readonly sources: LiveSources) {
    this.#known = { at: isoTime(sources.clock.now()), metrics: {} };
  }

  /** Tells until the signal aborts; then ends all clients. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#tick(this.#clients.readers > 0);
      const pause_ms = this.#clients.readers > 0 ? TICK_MS : SECOND_MS;
      await this.sources.clock.sleep(pause_ms, signal).catch(() => undefined);
    }
    this.close();
  }

  /** As it was at the last look. */
  get events_per_second(): number {
    return this.#counts.events_per_second;
  }

  /** Ends every stream and takes no more, so that a server with open pages can stop. */
  close(): void {
    this.#clients.close();
  }

  /** All there is to tell, freshly read. */
  async snapshot(): Promise<LivePayload> {
    await this.#tick(true);
    return this.#known;
  }

  /** A snapshot, and the differences from that very moment on; null when too many listen. */
  async open(): Promise<{ first: LiveMessage; feed: Feed<LiveMessage> } | null> {
    await this.#tick(true);
    const feed = this.#clients.join();
    return feed === null ? null : { first: { id: this.#id, payload: this.#known }, feed };
  }

  /** One look after the other, whoever asks. */
  #tick(isWatched: boolean): Promise<void> {
    this.#working = this.#working.then(() => this.#look(isWatched));
    return this.#working;
  }

  async #look(isWatched: boolean): Promise<void> {
    const now_ms = this.sources.clock.now();
    const samples = this.sources.metrics.merged();
    this.#counts.doorsRead(doorCounts(samples), now_ms);
    const news: Partial<LivePayload> = {};
    if (elapsedMs(this.#looked.point_ms, now_ms) >= SECOND_MS) {
      this.#looked.point_ms = now_ms;
      this.#latencies.take(samples, now_ms);
      news.history = this.#counts.points(now_ms);
    }
    if (isWatched) Object.assign(news, await this.#watched(now_ms));
    const now = { ...this.#described(samples), ...news, at: isoTime(now_ms) };
    const delta = difference(this.#known, now);
    this.#known = merged(this.#known, now);
    this.#clients.publish({ id: ++this.#id, payload: delta });
    this.sources.metrics.gauge("live_clients", {}).set(this.#clients.readers);
  }

  /** The dearer looks, only while somebody watches. What cannot be read is said, and what was known stays. */
  async #watched(now_ms: number): Promise<Partial<LivePayload>> {
    const news: Partial<LivePayload> = {};
    try {
      if (elapsedMs(this.#looked.status_ms, now_ms) >= STATUS_MS) {
        this.#looked.status_ms = now_ms;
        await this.#readStatus();
        news.problems = await this.#problems();
      }
      if (elapsedMs(this.#looked.alerts_ms, now_ms) >= SECOND_MS) {
        this.#looked.alerts_ms = now_ms;
        news.alerts = await this.sources.alerts.look();
      }
      this.#fault = null;
    } catch (error) {
      this.#fault = `The state cannot be read: ${messageOf(error)}`;
      news.problems = await this.#problems();
    }
    return news;
  }

  async #readStatus(): Promise<void> {
    const status = await this.sources.status();
    const byLog = Object.fromEntries(status.accounting.map((one) => [one.source, one.accepted]));
    this.#counts.logRead(byLog, this.sources.clock.now());
    this.#status = status;
  }

  async #problems(): Promise<string[]> {
    const ill = (await this.sources.health.report()).filter(({ condition }) => condition !== "ok");
    const sentences = ill.map(({ name, condition, detail }) =>
      `${name} is ${condition}${detail ? `: ${detail}` : ""}.`
    );
    const all = [...(this.#fault === null ? [] : [this.#fault]), ...sentences, ...this.sources.problems()];
    return all.map(this.sources.scrub);
  }

  #described(
    samples: readonly Sample[],
  ): Pick<LivePayload, "metrics" | "dead_letters" | "stages" | "accounting"> {
    const { accepted, events_per_second } = this.#counts;
    const dead_letters = sumBy(samples, "dead_letters_total", "reason");
    const known = (name: string) => total(samples, name);
    const status = this.#status;
    const sum = (of: (one: LiveStatus["accounting"][number]) => number) =>
      status === null ? null : status.accounting.reduce((all, one) => all + of(one), 0);
    const metrics = {
      accepted,
      events_per_second,
      alerts: Math.max(this.sources.alerts.total, known("alerts_total") ?? 0),
      rows: sum((one) => one.rows),
      duplicates: sum((one) => one.duplicates),
      dead_letters: sum((one) => one.dead_letters),
      unmapped: sum((one) => one.unmapped),
      lag_records: status?.partitions.reduce((all, one) => all + one.lag_records, 0) ?? known("lag_records"),
      lag_seconds: status ? Math.max(0, ...status.partitions.map((one) => one.lag_seconds)) : null,
      freshness_seconds: status?.freshness_seconds ?? known("freshness_seconds"),
      active_windows: known("active_windows"),
      active_sessions: known("active_sessions"),
      spill_records: known("spill_records"),
      ...this.#latencies.metrics,
    };
    if (status === null) return { metrics, dead_letters };
    const isDown = (dependency: string) =>
      (this.#known.problems ?? []).some((one) => one.startsWith(`${dependency} is down`));
    const stages = liveStages(status, events_per_second, isDown);
    return { metrics, dead_letters, stages, accounting: status.accounting };
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
