/**
 * Alerts sent to webhooks, at least once: one leader reads the topic `alerts` from a remembered place, sends what routes
 * take, keeps the attempts as rows, and only then remembers how far it is.
 *
 *   keep lease ─► read topic ─► send, trying again ─► deliveries (rows) ─► place (numbered object) ─┐
 *        ▲                                                                                        │
 *        └────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * A leader that dies in between leaves the place where it was: the next one sends again, under the same webhook-id.
 */
import type { Clock } from "../clock.ts";
import { Fault, messageOf } from "../errors.ts";
import type { Row } from "../event/column.ts";
import type { EventLog } from "../log/log.ts";
import type { LogLine } from "../observe/log_line.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { type Attempt, deliveryRow } from "./delivery.ts";
import { Lease } from "./lease.ts";
import { readAlert, type SentAlert, webhookMessage } from "./message.ts";
import { createNext, readNewest } from "./numbered.ts";
import { post } from "./post.ts";
import { type AlertRoute, takes } from "./route.ts";

export interface NotifyParts {
  store: ObjectStore;
  log: Pick<EventLog, "identity" | "bounds" | "read">;
  clock: Clock;
  routes(): Promise<readonly AlertRoute[]>;
  secret: string | null;
  /** Appends to `analytics.deliveries`. */
  keepRows(rows: readonly Row[]): Promise<void>;
  line: Pick<LogLine, "info" | "warn" | "error">;
  metrics: Metrics;
  lease_ms?: number;
  /** Pause before the second try; it doubles with each. */
  backoff_ms?: number;
  max_attempts?: number;
  timeout_ms?: number;
}

interface Place {
  log: string;
  /** By partition. */
  next: number[];
}

const PLACE = "leases/notify-place/";
const LEASE_MS = 15_000;
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
const MAX_ATTEMPTS = 8;
const TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 250;
const FOLLOWER_LOOKS_EVERY_MS = 3_000;
/** Rows wait so long for others, so that a quiet table does not become many small files. */
const KEEP_EVERY_MS = 5_000;
const SENT_AT_ONCE = 16;
const BATCH = { max_records: 200, max_bytes: 1024 * 1024, wait_ms: 0 };
const REMEMBERED_IDS = 10_000;
/** Of our own making: trying again would not help. */
const REFUSALS: ReadonlySet<string> = new Set(["address_refused", "secret_refused"]);

export class Notifier {
  readonly #lease: Lease;
  #attempts: Attempt[] = [];
  #place: { number: number; value: Place } | null = null;
  #moved = false;
  #kept_at = -Infinity;
  #sent = new Set<string>();

  constructor(private readonly parts: NotifyParts) {
    this.#lease = new Lease(parts.store, parts.clock, parts.lease_ms ?? LEASE_MS);
  }

  /** Leads or waits to lead, until the stop. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, line } = this.parts;
    while (!signal.aborted) {
      let pause_ms = FOLLOWER_LOOKS_EVERY_MS;
      try {
        if (await this.step(signal)) pause_ms = LOOK_EVERY_MS;
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof Fault)) throw error;
        this.#forget();
        line.warn("sending alerts failed; trying again", { reason: messageOf(error) });
      }
      await clock.sleep(pause_ms, signal).catch(() => undefined);
    }
    try {
      if (this.#lease.held) await this.#keep();
      await this.#lease.release();
    } catch (error) {
      line.warn("the place of the sent alerts was not kept; they are sent again", {
        reason: messageOf(error),
      });
    }
  }

  /** One look at the topic, when we lead; whether we do. */
  async step(signal: AbortSignal): Promise<boolean> {
    if (!await this.#lease.keep()) {
      this.#forget();
      return false;
    }
    const place = this.#place ??= await this.#readPlace();
    const routes = await this.parts.routes();
    for (const partition of place.value.next.keys()) {
      if (!this.#lease.held) return false;
      await this.#partition(partition, { place: place.value, routes, signal });
    }
    if (this.#moved && this.parts.clock.now() - this.#kept_at >= KEEP_EVERY_MS) await this.#keep();
    return true;
  }

  /** Another leader may have gone on: what we know of the place counts no more, nor of what was sent after it. */
  #forget(): void {
    this.#place = null;
    this.#sent = new Set();
    this.#attempts = [];
    this.#moved = false;
  }

  async #readPlace(): Promise<{ number: number; value: Place }> {
    const { log, store } = this.parts;
    const { id, partitions } = await log.identity("alerts");
    const { number, value } = await readNewest(store, PLACE);
    const known = placeOf(value);
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    const bounds = await Promise.all(numbers.map((partition) => log.bounds("alerts", partition)));
    const next = bounds.map(({ begin }, partition) =>
      Math.max(begin, known?.log === id ? known.next[partition] ?? begin : begin)
    );
    return { number, value: { log: id, next } };
  }

  async #partition(
    partition: number,
    { place, routes, signal }: { place: Place; routes: readonly AlertRoute[]; signal: AbortSignal },
  ): Promise<void> {
    const from = place.next[partition];
    const records = await this.#read(partition, from, signal);
    if (records.length === 0) return;
    const jobs: (() => Promise<void>)[] = [];
    for (const { value } of records) {
      const alert = readAlert(value);
      if (alert === null || this.#isRepeat(alert.alert_id)) continue;
      for (const route of routes.filter((one) => takes(one, alert))) {
        jobs.push(() => this.#send(alert, route, signal));
      }
    }
    await inParallel(jobs, SENT_AT_ONCE);
    place.next[partition] = records[records.length - 1].offset + 1;
    this.#moved = true;
  }

  /** What retention took away cannot be sent any more. */
  async #read(partition: number, from: number, signal: AbortSignal) {
    const { log, line } = this.parts;
    try {
      return await log.read("alerts", partition, from, BATCH, signal);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== "log_truncated") throw error;
      line.error("alerts were dropped from the log before they were sent", { partition, from });
      this.#place!.value.next[partition] = (await log.bounds("alerts", partition)).begin;
      return [];
    }
  }

  /** A restarted worker puts its alerts on the topic again, and a check that goes on failing does. */
  #isRepeat(id: string): boolean {
    if (this.#sent.has(id)) return true;
    if (this.#sent.size >= REMEMBERED_IDS) this.#sent = new Set([...this.#sent].slice(REMEMBERED_IDS / 2));
    this.#sent.add(id);
    return false;
  }

  async #send(alert: SentAlert, route: AlertRoute, signal: AbortSignal): Promise<void> {
    const { clock, line, backoff_ms = BACKOFF_MS, max_attempts = MAX_ATTEMPTS } = this.parts;
    for (let attempt = 1; attempt <= max_attempts; attempt++) {
      // A long wait must not outlive the lease; who lost it leaves the alert to the next leader.
      if (!await this.#lease.keep()) throw leaseLost();
      const made = await this.#try(alert, route, { attempt, signal });
      this.#attempts.push(made);
      this.parts.metrics.counter("deliveries_total", { target: route.name, outcome: made.outcome }).add();
      if (made.outcome === "sent") return;
      const facts = { target: route.name, alert_id: alert.alert_id, attempt, reason: made.reason };
      line.warn("an alert was not sent", facts);
      if (made.outcome === "refused") return;
      if (attempt < max_attempts) {
        await clock.sleep(Math.min(MAX_BACKOFF_MS, backoff_ms * 2 ** (attempt - 1)), signal);
      }
    }
    line.error("an alert is given up", { target: route.name, alert_id: alert.alert_id });
  }

  async #try(
    alert: SentAlert,
    route: AlertRoute,
    { attempt, signal }: { attempt: number; signal: AbortSignal },
  ): Promise<Attempt> {
    const { clock, secret, timeout_ms = TIMEOUT_MS } = this.parts;
    const attempted_at = clock.now();
    const base = { alert_id: alert.alert_id, target: route.name, attempt, attempted_at };
    try {
      const message = webhookMessage(alert, route, { secret, now: attempted_at });
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout_ms)]);
      const status = await post(route.url, message, { allow_private: route.allow_private, signal: limit });
      const isSent = status >= 200 && status < 300;
      const reason = isSent ? null : status < 400 ? "redirects are not followed" : `answered ${status}`;
      const took_ms = clock.now() - attempted_at;
      return { ...base, outcome: isSent ? "sent" : "failed", status, reason, took_ms };
    } catch (error) {
      signal.throwIfAborted();
      const isRefused = error instanceof Fault && REFUSALS.has(error.code);
      const took_ms = clock.now() - attempted_at;
      return {
        ...base,
        outcome: isRefused ? "refused" : "failed",
        status: null,
        reason: messageOf(error),
        took_ms,
      };
    }
  }

  /** Rows first: a place that is kept means that its attempts are. */
  async #keep(): Promise<void> {
    const place = this.#place;
    if (!place || !this.#moved) return;
    const attempts = this.#attempts;
    await this.parts.keepRows(attempts.map(deliveryRow));
    this.#attempts = this.#attempts.slice(attempts.length);
    const value = { ...place.value, by: crypto.randomUUID() };
    if (!await createNext(this.parts.store, PLACE, { after: place.number, value })) throw leaseLost();
    place.number++;
    this.#moved = false;
    this.#kept_at = this.parts.clock.now();
  }
}

function placeOf(value: unknown): Place | null {
  if (typeof value !== "object" || value === null || !("log" in value) || !("next" in value)) return null;
  const { log, next } = value;
  return typeof log === "string" && Array.isArray(next) ? { log, next: next.map(Number) } : null;
}

async function inParallel(jobs: readonly (() => Promise<void>)[], most: number): Promise<void> {
  const waiting = jobs.values();
  const work = async () => {
    for (const job of waiting) await job();
  };
  await Promise.all(Array.from({ length: Math.min(most, jobs.length) }, work));
}

function leaseLost(): Fault {
  return new Fault("lease_lost", "Cannot send alerts: another program leads now", {
    blame: "dependency",
    retry: "after_refresh",
  });
}
