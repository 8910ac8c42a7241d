/**
 * The live stream of the server: one EventSource for the whole page, which resumes after a cut and knows when it is stale.
 *
 *   event: snapshot   data: LivePayload (all of it)           once after connecting, and after a resume that failed
 *   event: delta      data: LivePayload (what changed)        1 to 4 a second
 *   id: <n>   retry: 2000   and a comment line as heartbeat every 15 s
 *
 * A delta replaces whole top-level keys, except: `metrics` is merged key by key, `history` points and `alerts` are
 * appended. Everything but `metrics` may be absent: the page then leaves that part out or asks the API for it.
 */

export interface LivePayload {
  /** Server's time, ISO 8601 with Z. */
  at?: string;
  /**
   * Numbers with a name; null while unknown. Known names: accepted, events_per_second, alerts, rows, duplicates,
   * dead_letters, unmapped, lag_records, lag_seconds, freshness_seconds, active_windows, active_sessions, latency_ms
   * (of the append, p99 of the last second), spill_records.
   */
  metrics: Readonly<Record<string, number | null>>;
  /** The strip door > log > process > publish > compact, in this order. */
  stages?: readonly LiveStage[];
  /** One point a second, at most 300 in a snapshot, the new ones in a delta. */
  history?: readonly LivePoint[];
  /** Newest last: at most 50 in a snapshot, the new ones in a delta. Fields as in `/api/alerts`. */
  alerts?: readonly LiveAlert[];
  /** Dead letters by reason since the start. */
  dead_letters?: Readonly<Record<string, number>>;
  /** As in `/api/status`. */
  accounting?: readonly LiveAccount[];
  /** Current snapshot id by table, so that pages know when to ask again. */
  tables?: Readonly<Record<string, string | number | null>>;
  /** Sentences about what is wrong now (a refused rules file, a dependency that is away); empty when all is well. */
  problems?: readonly string[];
}

export interface LiveStage {
  name: "door" | "log" | "process" | "publish" | "compact";
  state: "ok" | "idle" | "behind" | "down";
  /** Records that wait before this stage; null where that means nothing. */
  lag_records: number | null;
  /** A few words: `212/s`, `checkpoint 1,204`, `3 files`. */
  note: string;
}

export interface LivePoint {
  /** Milliseconds since 1970 of the second's start. */
  t: number;
  /** Events in that second by kind and by source. */
  kinds: Readonly<Record<string, number>>;
  sources: Readonly<Record<string, number>>;
}

export interface LiveAlert {
  alert_id: string;
  rule: string;
  severity: string;
  user_id?: string | null;
  event_time: string;
  description: string;
  z_score?: number | null;
}

export interface LiveAccount {
  source: string;
  accepted: number;
  rows: number;
  duplicates: number;
  dead_letters: number;
  unmapped: number;
  of_which_late?: number;
  in_flight: number;
  holds: boolean;
}

export type LiveState = "connecting" | "live" | "stale" | "paused";

const STALE_AFTER_MS = 6_000;
const RECONNECT_MS = 3_000;
const MAX_POINTS = 3_600;
const MAX_ALERTS = 200;

/** Emits `change` whenever `payload` or `state` did. */
export class LiveStream extends EventTarget {
  state: LiveState = "connecting";
  payload: LivePayload = { metrics: {} };
  /** Milliseconds since 1970 of the newest message; 0 before the first. */
  heardAt = 0;
  #source: EventSource | null = null;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(readonly url: string) {
    super();
  }

  start(): void {
    this.#connect();
    this.#watch = setInterval(() => this.#look(), 1_000);
  }

  stop(): void {
    clearInterval(this.#watch);
    this.#source?.close();
  }

  #connect(): void {
    const source = new EventSource(this.url);
    this.#source = source;
    source.addEventListener("snapshot", (event) => this.#take(event.data, false));
    source.addEventListener("delta", (event) => this.#take(event.data, true));
    source.addEventListener("error", () => {
      this.#setState("stale");
      // The browser itself tries again, unless the answer was an HTTP error: then it gives up and we do it.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#connect(), RECONNECT_MS);
    });
  }

  #take(text: string, isDelta: boolean): void {
    const message = JSON.parse(text) as LivePayload;
    this.payload = isDelta ? merged(this.payload, message) : bounded(message);
    this.heardAt = Date.now();
    this.state = "live";
    this.dispatchEvent(new Event("change"));
  }

  #look(): void {
    if (this.heardAt > 0 && Date.now() - this.heardAt > STALE_AFTER_MS) this.#setState("stale");
  }

  #setState(state: LiveState): void {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** What is known after a delta. Pure. */
export function merged(known: LivePayload, delta: LivePayload): LivePayload {
  return bounded({
    ...known,
    ...delta,
    metrics: { ...known.metrics, ...delta.metrics },
    history: joined(known.history, delta.history),
    alerts: joined(known.alerts, delta.alerts),
  });
}

function bounded(payload: LivePayload): LivePayload {
  return {
    ...payload,
    history: payload.history?.slice(-MAX_POINTS),
    alerts: payload.alerts?.slice(-MAX_ALERTS),
  };
}

function joined<T>(old: readonly T[] | undefined, added: readonly T[] | undefined): readonly T[] | undefined {
  return added ? [...(old ?? []), ...added] : old;
}
