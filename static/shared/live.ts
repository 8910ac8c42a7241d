/**
 * The live stream of the server: one EventSource for the whole page, which resumes after a cut and knows when it is stale.
 *
 *   event: snapshot   data: LivePayload (all of it)           once after connecting, and after a resume that failed
 *   event: delta      data: LivePayload (what changed)        1 to 4 a second
 *   id: <n>   retry: 2000   and a comment line as heartbeat every 15 s
 *
 * `lib/live/payload.ts` says what is in it. A delta replaces whole top-level keys, except: `metrics` is merged key by key, `history` points and `alerts` are
 * appended. Everything but `metrics` may be absent: the page then leaves that part out or asks the API for it.
 */
import {
  type LiveAlert,
  type LivePayload as Told,
  type LivePoint,
  type LiveStage,
  thinned,
} from "../../lib/live/payload.ts";

export type { LiveAlert, LivePoint, LiveStage };

/** What the page knows: the numbers, and of the rest what the server has told. */
export type LivePayload = Pick<Told, "metrics"> & Partial<Omit<Told, "metrics" | "accounting">> & {
  /** As in `/api/status`. */
  accounting?: readonly LiveAccount[];
};

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
/** A connection that is silent for so long is dead, though the browser was told nothing of it. */
const DEAD_AFTER_MS = 20_000;
/** A page that nobody looks at lets go of its connection: browsers open only six to one server. */
const HIDDEN_AFTER_MS = 20_000;
const MAX_ALERTS = 200;

/** Emits `change` whenever `payload` or `state` did. */
export class LiveStream extends EventTarget {
  state: LiveState = "connecting";
  payload: LivePayload = { metrics: {} };
  /** Milliseconds since 1970 of the newest message; 0 before the first. */
  heardAt = 0;
  #connectedAt = 0;
  #source: EventSource | null = null;
  #watch: ReturnType<typeof setInterval> | undefined;
  #hiding: ReturnType<typeof setTimeout> | undefined;
  #onVisibility = () => this.#sight();

  constructor(readonly url: string, readonly page: Document = document) {
    super();
  }

  start(): void {
    this.#connect();
    this.#watch = setInterval(() => this.#look(), 1_000);
    this.page.addEventListener("visibilitychange", this.#onVisibility);
  }

  stop(): void {
    clearInterval(this.#watch);
    clearTimeout(this.#hiding);
    this.page.removeEventListener("visibilitychange", this.#onVisibility);
    this.#source?.close();
  }

  #sight(): void {
    clearTimeout(this.#hiding);
    if (this.page.hidden) this.#hiding = setTimeout(() => this.#rest(), HIDDEN_AFTER_MS);
    else if (this.state === "paused") this.#connect();
  }

  #rest(): void {
    this.#source?.close();
    this.#setState("paused");
  }

  #connect(): void {
    this.#source?.close();
    this.#connectedAt = Date.now();
    if (this.state === "paused") this.#setState("connecting");
    const source = new EventSource(this.url);
    this.#source = source;
    source.addEventListener("snapshot", (event) => this.#take(event.data, false));
    source.addEventListener("delta", (event) => this.#take(event.data, true));
    source.addEventListener("error", () => {
      this.#setState("stale");
      // The browser itself tries again, unless the answer was an HTTP error: then it gives up and we do it.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(() => this.state === "paused" || source !== this.#source || this.#connect(), RECONNECT_MS);
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
    if (this.state === "paused") return;
    if (Date.now() - Math.max(this.heardAt, this.#connectedAt) > DEAD_AFTER_MS) this.#connect();
    if (this.state === "connecting") return;
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
    history: payload.history && thinned(payload.history),
    alerts: payload.alerts?.slice(-MAX_ALERTS),
  };
}

function joined<T>(old: readonly T[] | undefined, added: readonly T[] | undefined): readonly T[] | undefined {
  return added ? [...(old ?? []), ...added] : old;
}
