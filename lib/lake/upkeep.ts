/**
 * Everything that a lake needs done again and again: decided rows into tables at once, the rest on schedules.
 *
 *   publish ──────────────── with every decision, else each second
 *   compact ─┐
 *   expire ──┤ retention, thinning, garbage
 *   audit ───┤ one of them at a time, so that they share one engine's memory
 *   tasks ───┘ that others bring along (models)
 *
 * What fails is told and tried again; only publishing may find that no retry mends it, and then ends the work.
 */
import type { CheckpointChain } from "../checkpoint/chain.ts";
import { type Clock, elapsedMs } from "../clock.ts";
import { Fault, messageOf } from "../errors.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { currentSnapshot } from "../iceberg/snapshot.ts";
import type { EventLog } from "../log/log.ts";
import type { Bell } from "../observe/bell.ts";
import type { LogLine } from "../observe/log_line.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { ParquetWriter } from "../parquet/writer.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { audit, auditLine } from "./audit.ts";
import { Collector, GRACE_MS } from "./collector.ts";
import { Compactor } from "./compactor.ts";
import { expireTable } from "./expiry.ts";
import type { Lander } from "./lander.ts";
import { type Decided, Publisher } from "./publisher.ts";
import { askRaw } from "./raw_rows.ts";
import { dropOldDays, retainedTables } from "./retention.ts";
import { TableList } from "./table_list.ts";
import { parseTableKey, tableKey } from "./table_key.ts";
import type { TableLayout, TableSpec } from "./tables.ts";

export interface UpkeepParts {
  store: ObjectStore;
  log: EventLog;
  catalog: Catalog;
  chains: ReadonlyMap<number, CheckpointChain>;
  writer: ParquetWriter;
  lander: Lander;
  clock: Clock;
  /** Key prefix of the tables. */
  prefix: string;
  configured(): Promise<readonly TableSpec[]>;
  ensure(specs: readonly TableSpec[]): Promise<void>;
  every_ms: { compact: number; expire: number; audit: number };
  /** What is not urgent leaves a start this much time, but comes in a short session too. */
  first_after_ms: number;
  /** What else is done on a schedule, in turn with the rest. */
  tasks?: readonly UpkeepTask[];
  log_retention_hours: number;
  table_retention_days: Readonly<Record<string, number>>;
  line: LogLine;
  metrics: Metrics;
  /** Rings when something was decided. */
  bell: Bell;
  published(table: string): void;
}

export interface UpkeepTask {
  /** "making models" */
  what: string;
  every_ms: number;
  work(signal: AbortSignal): Promise<void>;
}

/** Decisions of other processes are found this soon; our own are told at once. */
const LOOK_EVERY_MS = 1_000;
/** So that one table waits for the store while the engine is at another; the engine itself lets in as many as it has memory for. */
const PUBLISHED_AT_ONCE = 2;
/** The same alarm is not told again before. */
const ALARM_EVERY_MS = 600_000;
const MAX_ALARMS = 1_000;
const DAY_MS = 86_400_000;
/** What one scheduled audit may read of raw.events. */
const AUDITED_RAW_BYTES = 256 * 1024 * 1024;

export class Upkeep {
  readonly #tables: TableList;
  readonly #publisher: Publisher;
  readonly #compactor: Compactor;
  readonly #collector: Collector;
  readonly #alarms = new Map<string, number>();
  readonly #seen = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();
  #missing = 0;

  constructor(private readonly parts: UpkeepParts) {
    const alarm = (message: string) => this.#alarm(message);
    this.#tables = new TableList({ ...parts, warn: alarm });
    this.#publisher = new Publisher({ ...parts, alarm });
    this.#compactor = new Compactor(parts);
    this.#collector = new Collector({ ...parts, grace_ms: GRACE_MS });
  }

  /** Resolves soon after `signal` aborts; `ready` is called when every table is there. */
  async run(signal: AbortSignal, ready: () => void): Promise<void> {
    const { every_ms, tasks = [] } = this.parts;
    const all: UpkeepTask[] = [
      { what: "compacting", every_ms: every_ms.compact, work: () => this.compact(signal) },
      { what: "expiring", every_ms: every_ms.expire, work: () => this.expire(signal) },
      { what: "auditing", every_ms: every_ms.audit, work: () => this.audit() },
      ...tasks,
    ];
    await this.#tables.refresh();
    ready();
    await Promise.all([this.#publishing(signal), ...all.map((task) => this.#schedule(task, signal))]);
  }

  async publish(signal: AbortSignal): Promise<void> {
    const decided = await this.#publisher.decided();
    const layouts = (await this.#tables.meet(decided)).values();
    const publishing = async () => {
      for (const layout of layouts) await this.#publishTable(layout, decided, signal);
    };
    // All of them have ended, whatever happened to one: nobody is at work on a table when it is tried again.
    const ended = await Promise.allSettled(Array.from({ length: PUBLISHED_AT_ONCE }, publishing));
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  }

  async #publishTable(layout: TableLayout, decided: Decided, signal: AbortSignal): Promise<void> {
    const { clock, metrics, line, published: tell } = this.parts;
    while (!signal.aborted) {
      const began = clock.now();
      const published = await this.#publisher.publish(layout, decided, signal);
      if (!published) return;
      const took_ms = clock.now() - began;
      metrics.histogram("publish_seconds", { table: layout.key }).observe(took_ms / 1000);
      line.debug("published", { table: layout.key, rows: published.rows, took_ms });
      this.#measure(published.table);
      tell(layout.key);
    }
  }

  async compact(signal: AbortSignal): Promise<void> {
    for (const layout of this.#tables.layouts) {
      if (signal.aborted) return;
      const done = await this.#compactor.compact(layout, { signal });
      if (done.units === 0) continue;
      this.parts.line.info("compacted", { table: layout.key, ...done });
      const table = await this.parts.catalog.load(parseTableKey(layout.key));
      if (table) this.#measure(table);
    }
  }

  /** Lets go of old days, thins snapshots, and collects what nothing names any more. */
  async expire(signal: AbortSignal): Promise<void> {
    const { line } = this.parts;
    try {
      await this.#retain(signal);
    } catch (error) {
      // A table that cannot be meant keeps its days; the others are looked after all the same.
      if (!(error instanceof Fault) || error.code !== "retention_unclear") throw error;
      line.error("days are kept longer than they should be", { reason: error.message });
    }
    for (const name of await this.parts.catalog.list()) {
      if (signal.aborted) return;
      const expired = await expireTable(this.parts, name, { signal });
      if (expired && expired.after < expired.before) line.info("expired", { ...expired });
    }
    const collected = await this.#collector.collect({ signal });
    const { waiting: _, ...done } = collected;
    if (Object.values(done).some((count) => count > 0)) line.info("collected", { ...collected });
  }

  async audit(): Promise<void> {
    const { line, metrics, clock } = this.parts;
    const report = await audit({
      ...this.parts,
      ask: (sql, scope) => askRaw(this.parts, sql, scope),
      within: { seen: this.#seen, raw_bytes: AUDITED_RAW_BYTES, recent: clock.now() - DAY_MS },
    });
    metrics.gauge("audit_problems", {}).set(report.problems.length);
    for (const problem of report.problems) line.error("the audit found a problem", { problem });
    line.debug(auditLine(report));
  }

  async #retain(signal: AbortSignal): Promise<void> {
    const { catalog, table_retention_days, line } = this.parts;
    if (Object.keys(table_retention_days).length === 0) return;
    const tables = await Promise.all((await catalog.list()).map((name) => catalog.load(name)));
    for (const { name, days } of retainedTables(table_retention_days, tables.filter((one) => one !== null))) {
      if (signal.aborted) return;
      const dropped = await dropOldDays(this.parts, name, { days, signal });
      if (dropped) line.info("dropped old days", { ...dropped, days });
    }
  }

  #measure({ name, metadata }: LoadedTable): void {
    const summary = currentSnapshot(metadata)?.summary;
    const { metrics } = this.parts;
    const labels = { table: tableKey(name) };
    metrics.gauge("table_rows", labels).set(Number(summary?.["total-records"] ?? 0));
    metrics.gauge("table_files", labels).set(Number(summary?.["total-data-files"] ?? 0));
    metrics.gauge("table_bytes", labels).set(Number(summary?.["total-files-size"] ?? 0));
  }

  async #publishing(signal: AbortSignal): Promise<void> {
    const { line, clock, bell } = this.parts;
    while (!signal.aborted) {
      try {
        await this.publish(signal);
        this.#missing = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Fault) || error.retry === "never") throw error;
        // Once is somebody who published and collected it meanwhile; again is a loss.
        const isLost = error.code === "segment_missing" && ++this.#missing > 1;
        if (isLost || error.code === "object_damaged") this.#alarm(messageOf(error));
        else line.warn("publishing failed; trying again", { reason: messageOf(error) });
      }
      const pause = clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      await Promise.race([pause, bell.heard()]);
    }
  }

  /** Runs `work` each `every_ms`, in turn with the others, until the stop. */
  async #schedule({ what, every_ms, work }: UpkeepTask, signal: AbortSignal): Promise<void> {
    const { clock, line, first_after_ms } = this.parts;
    for (let pause_ms = Math.min(every_ms, first_after_ms);; pause_ms = every_ms) {
      await clock.sleep(pause_ms, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#inTurn(work, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Fault)) throw error;
        const facts = { reason: messageOf(error) };
        if (error.retry === "never") line.error(`${what} failed`, facts);
        else line.warn(`${what} failed; trying again`, facts);
      }
    }
  }

  async #inTurn(work: UpkeepTask["work"], signal: AbortSignal): Promise<void> {
    const mine = this.#turn.then(() => signal.aborted ? undefined : work(signal));
    this.#turn = mine.catch(() => undefined);
    await mine;
  }

  #alarm(message: string): void {
    const now = this.parts.clock.now();
    if (elapsedMs(this.#alarms.get(message) ?? -Infinity, now) < ALARM_EVERY_MS) return;
    if (this.#alarms.size >= MAX_ALARMS) this.#alarms.clear();
    this.#alarms.set(message, now);
    this.parts.line.error(message);
  }
}
