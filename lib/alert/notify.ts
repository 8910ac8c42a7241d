/**
 * Alerts sent to webhooks, at least once: one leader has a courier for each route, keeps their attempts as rows, and only
 * then remembers how far they are.
 *
 *   keep lease ─► couriers: read topic ─► send, trying again ─► deliveries (rows) ─► places (numbered object) ─┐
 *        ▲                                                                                                   │
 *        └───────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * A leader that dies in between leaves the places where they were: the next one sends again, under the same webhook-id.
 * A route that is new begins with what comes after it; one that was taken out is forgotten.
 */
import { elapsedMs } from "../clock.ts";
import { Fault, messageOf } from "../errors.ts";
import type { Row } from "../event/column.ts";
import type { EventLog } from "../log/log.ts";
import type { LogLine } from "../observe/log_line.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { Courier, type CourierParts, leaseLost } from "./courier.ts";
import { type Attempt, deliveryRow } from "./delivery.ts";
import { Lease } from "./lease.ts";
import { createNext, readNewest } from "./numbered.ts";
import type { AlertRoute } from "./route.ts";

export interface NotifyParts extends Omit<CourierParts, "mayGoOn"> {
  store: ObjectStore;
  log: Pick<EventLog, "identity" | "bounds" | "read">;
  routes(): Promise<readonly AlertRoute[]>;
  /** Appends to `analytics.deliveries`. */
  keepRows(rows: readonly Row[]): Promise<void>;
  line: Pick<LogLine, "info" | "warn" | "error">;
  lease_ms?: number;
}

/** By name of the route, which may be like `constructor`, and partition. */
interface Place {
  log: string;
  routes: ReadonlyMap<string, readonly number[]>;
}

interface Course {
  courier: Courier;
  /** The round under way. */
  round: Promise<void> | null;
}

interface Lead {
  number: number;
  log: string;
  /** Whether some leader was here before: then a route without a place is new. */
  known: Place | null;
  courses: Map<string, Course>;
  /** The places as they were kept last. */
  kept: string;
}

const PLACE = "leases/notify-place/";
const LEASE_MS = 15_000;
const LOOK_EVERY_MS = 250;
const FOLLOWER_LOOKS_EVERY_MS = 3_000;
/** Rows wait so long for others, so that a quiet table does not become many small files. */
const KEEP_EVERY_MS = 5_000;

export class Notifier {
  readonly #lease: Lease;
  #lead: Lead | null = null;
  /** Attempts that are not rows yet. */
  #attempts: Attempt[] = [];
  #kept_at = -Infinity;
  #failure: unknown = null;

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
      await this.#settled();
      if (this.#lease.held) await this.#keep();
      await this.#lease.release();
    } catch (error) {
      line.warn("the place of the sent alerts was not kept; they are sent again", {
        reason: messageOf(error),
      });
    }
  }

  /** One look at the topic for every route whose courier is at home, when we lead; whether we do. */
  async step(signal: AbortSignal): Promise<boolean> {
    if (this.#failure !== null) {
      const failure = this.#failure;
      this.#failure = null;
      throw failure;
    }
    if (!await this.#lease.keep()) {
      this.#forget();
      return false;
    }
    const lead = this.#lead ??= await this.#begin();
    const routes = await this.parts.routes();
    await this.#adjust(lead, routes);
    for (const route of routes) {
      const course = lead.courses.get(route.name)!;
      course.round ??= course.courier.round(route, signal)
        .catch((error) => {
          if (!signal.aborted && lead === this.#lead) this.#failure ??= error;
        })
        .finally(() => course.round = null);
    }
    if (elapsedMs(this.#kept_at, this.parts.clock.now()) >= KEEP_EVERY_MS) await this.#keep();
    return true;
  }

  /** When no courier is under way any more. */
  async #settled(): Promise<void> {
    await Promise.all([...this.#lead?.courses.values() ?? []].map(({ round }) => round));
  }

  /** Another leader may have gone on: what we know of the places counts no more, nor of what was sent after them. */
  #forget(): void {
    this.#lead = null;
    this.#attempts = [];
  }

  async #begin(): Promise<Lead> {
    const { log, store } = this.parts;
    const { id } = await log.identity("alerts");
    const { number, value } = await readNewest(store, PLACE);
    const place = placeOf(value);
    return { number, log: id, known: place?.log === id ? place : null, courses: new Map(), kept: "" };
  }

  /** A courier for every route, and none for what is no route any more. */
  async #adjust(lead: Lead, routes: readonly AlertRoute[]): Promise<void> {
    for (const name of lead.courses.keys()) {
      if (!routes.some((route) => route.name === name)) lead.courses.delete(name);
    }
    for (const { name } of routes) {
      if (lead.courses.has(name)) continue;
      const next = await this.#beginning(lead, name);
      const courier = new Courier({ ...this.parts, mayGoOn: () => this.#lease.held }, next);
      lead.courses.set(name, { courier, round: null });
    }
    lead.known ??= { log: lead.log, routes: new Map() };
  }

  async #beginning({ known }: Lead, name: string): Promise<number[]> {
    const { log } = this.parts;
    const { partitions } = await log.identity("alerts");
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    const bounds = await Promise.all(numbers.map((partition) => log.bounds("alerts", partition)));
    const before = known?.routes.get(name);
    return bounds.map(({ begin, end }, partition) =>
      before === undefined ? (known === null ? begin : end) : Math.max(begin, before[partition] ?? begin)
    );
  }

  /** Rows first: a place that is kept means that its attempts are. */
  async #keep(): Promise<void> {
    const lead = this.#lead;
    if (lead === null) return;
    const places = [...lead.courses].map(([name, { courier }]) => [name, [...courier.next]] as const);
    const routes = Object.fromEntries(places);
    for (const { courier } of lead.courses.values()) this.#attempts.push(...courier.takeAttempts());
    const text = JSON.stringify(routes);
    if (text === lead.kept && this.#attempts.length === 0) return;
    const attempts = this.#attempts;
    if (attempts.length > 0) await this.parts.keepRows(attempts.map(deliveryRow));
    this.#attempts = [];
    const value = { log: lead.log, routes, by: crypto.randomUUID() };
    if (!await createNext(this.parts.store, PLACE, { after: lead.number, value })) throw leaseLost();
    lead.number++;
    lead.kept = text;
    if (attempts.length > 0) this.#kept_at = this.parts.clock.now();
  }
}

function placeOf(value: unknown): Place | null {
  if (typeof value !== "object" || value === null || !("log" in value) || !("routes" in value)) return null;
  const { log, routes } = value;
  if (typeof log !== "string" || typeof routes !== "object" || routes === null) return null;
  const places = Object.entries(routes).filter(([, next]) => Array.isArray(next));
  return { log, routes: new Map(places.map(([name, next]) => [name, next.map(Number)])) };
}
