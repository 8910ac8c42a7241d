/**
 * Takes the alerts of one route to its webhook, in the order of the topic and from a place of its own: a target that does
 * not answer holds up nobody else's.
 *
 * An alert is tried again with growing pauses, then given up; only then the place moves on.
 */
import type { Clock } from "../clock.ts";
import { Fault, messageOf } from "../errors.ts";
import type { EventLog } from "../log/log.ts";
import type { LogLine } from "../observe/log_line.ts";
import type { Metrics } from "../observe/metrics.ts";
import { SeldomWarning } from "../observe/seldom_warning.ts";
import type { Attempt } from "./delivery.ts";
import { readAlert, type SentAlert, webhookMessage } from "./message.ts";
import { post } from "./post.ts";
import { type AlertRoute, takes } from "./route.ts";

export interface CourierParts {
  log: Pick<EventLog, "bounds" | "read">;
  clock: Clock;
  secret: string | null;
  line: Pick<LogLine, "warn" | "error">;
  metrics: Metrics;
  /** Pause before the second try; it doubles with each. */
  backoff_ms?: number;
  max_attempts?: number;
  timeout_ms?: number;
  /** Whether what is begun now may still be done; who lost the lease leaves the alert to the next leader. */
  mayGoOn(): boolean;
}

const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
const MAX_ATTEMPTS = 8;
const TIMEOUT_MS = 10_000;
const SENT_AT_ONCE = 16;
const BATCH = { max_records: 200, max_bytes: 1024 * 1024, wait_ms: 0 };
const REMEMBERED_IDS = 10_000;
/** Of our own making: trying again would not help. */
const REFUSALS: ReadonlySet<string> = new Set(["address_refused", "secret_refused"]);

export class Courier {
  #sent = new Set<string>();
  #attempts: Attempt[] = [];
  /** While a target is away each attempt of each alert fails; analytics.deliveries has them all. */
  readonly #notSent: SeldomWarning;

  /** `next`: by partition, the offset from which on nothing was dealt with. */
  constructor(private readonly parts: CourierParts, readonly next: number[]) {
    this.#notSent = new SeldomWarning("an alert was not sent", parts);
  }

  /** One look at every partition, and all that is found there dealt with. */
  async round(route: AlertRoute, signal: AbortSignal): Promise<void> {
    for (const partition of this.next.keys()) await this.#partition(partition, route, signal);
  }

  /** Attempts since the last call; every alert before `next` has its own among these or earlier ones. */
  takeAttempts(): Attempt[] {
    const attempts = this.#attempts;
    this.#attempts = [];
    return attempts;
  }

  async #partition(partition: number, route: AlertRoute, signal: AbortSignal): Promise<void> {
    const records = await this.#read(partition, signal);
    if (records.length === 0) return;
    const jobs: (() => Promise<void>)[] = [];
    for (const { value } of records) {
      const alert = readAlert(value);
      if (alert === null || !takes(route, alert) || this.#isRepeat(alert.alert_id)) continue;
      jobs.push(() => this.#send(alert, route, signal));
    }
    await inParallel(jobs, SENT_AT_ONCE);
    this.next[partition] = records[records.length - 1].offset + 1;
  }

  /** What retention took away cannot be sent any more. */
  async #read(partition: number, signal: AbortSignal) {
    const { log, line } = this.parts;
    const from = this.next[partition];
    try {
      return await log.read("alerts", partition, from, BATCH, signal);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== "log_truncated") throw error;
      line.error("alerts were dropped from the log before they were sent", { partition, from });
      this.next[partition] = (await log.bounds("alerts", partition)).begin;
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
      if (!this.parts.mayGoOn()) throw leaseLost();
      const made = await this.#try(alert, route, { attempt, signal });
      this.#attempts.push(made);
      this.parts.metrics.counter("deliveries_total", { target: route.name, outcome: made.outcome }).add();
      if (made.outcome === "sent") return;
      const facts = { target: route.name, alert_id: alert.alert_id, attempt, reason: made.reason };
      this.#notSent.warn(made.outcome, facts);
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
}

async function inParallel(jobs: readonly (() => Promise<void>)[], most: number): Promise<void> {
  const waiting = jobs.values();
  const work = async () => {
    for (const job of waiting) await job();
  };
  await Promise.all(Array.from({ length: Math.min(most, jobs.length) }, work));
}

export function leaseLost(): Fault {
  return new Fault("lease_lost", "Cannot send alerts: another program leads now", {
    blame: "dependency",
    retry: "after_refresh",
  });
}
