/** The thread that owns partitions: joins whoever assigns them, and turns their records into decided checkpoints. */
import type { Checkpoint } from "../lib/checkpoint/checkpoint.ts";
import { type Configuration, loadConfiguration, resultSettings } from "../lib/configuration.ts";
import { watchConfiguration } from "../lib/configuration_watch.ts";
import {
  connectAssignment,
  connectCatalog,
  connectChains,
  connectLog,
  connectStore,
  lakePrefix,
  prepareLog,
} from "../lib/connect.ts";
import { systemClock } from "../lib/clock.ts";
import { createJudge } from "../lib/event/judge.ts";
import { appliedOf, markOf } from "../lib/lake/applied.ts";
import { ensureTables } from "../lib/lake/ensure_tables.ts";
import { addedIn, evolveTable } from "../lib/lake/evolution.ts";
import { lakeTables } from "../lib/lake/tables.ts";
import type { Metrics } from "../lib/observe/metrics.ts";
import { aheadOfClock } from "../lib/partition/ahead_of_clock.ts";
import { seedPartitions } from "../lib/partition/control_record.ts";
import { EventProcessor } from "../lib/partition/event_processor.ts";
import { forgottenIds } from "../lib/partition/forgotten_ids.ts";
import { Lags } from "../lib/partition/lags.ts";
import { type OwnerContext, ownPartition } from "../lib/partition/owner.ts";
import { Owners } from "../lib/partition/owners.ts";
import { Watchdog } from "../lib/partition/watchdog.ts";
import { runWorker, type WorkContext } from "./shell.ts";

runWorker("process", async (context) => {
  const { settings, index, count, gives_way } = context.start;
  await using store = await connectStore(settings);
  const catalog = connectCatalog(settings, store);
  const added = addedIn(catalog);
  const configuration = await loadConfiguration(settings, { added });
  // A column is in its table before the record is on the log that brings it into force.
  const prepare = ({ kinds, windows }: Configuration) =>
    ensureTables({
      catalog,
      store,
      specs: lakeTables(kinds, windows),
      prefix: lakePrefix(settings),
      now: systemClock.now,
    });
  await prepare(configuration);
  const watch = watchConfiguration(configuration, {
    load: (last) => loadConfiguration(settings, { added, last }),
    beforeTaking: prepare,
    clock: systemClock,
    line: context.line,
    // Beside a door the door does.
    tells: !gives_way && index === 0,
    signal: context.signal,
  });
  await using log = await connectLog(settings);
  await prepareLog(settings);
  const identity = await log.identity("events");
  await seedPartitions(log, identity.partitions, { seeds: configuration, now: systemClock.now() });
  const chains = connectChains(store, identity.partitions);
  const judge = createJudge(configuration);
  const { metrics, line } = context;
  const warn = (message: string) => line.warn(message);
  await using assignment = await connectAssignment(settings, identity, { index, count }, warn);
  const advise = ({ partition, next_offset }: Checkpoint) =>
    void assignment.advise(partition, next_offset)
      .catch((error) => line.warn("cannot tell the broker how far we are", { error }));

  const watchdog = new Watchdog();
  const lags = new Lags(2 * settings.CHECKPOINT_MS);
  metrics.beforeReading(() => tellLags(metrics, lags));
  const processors = new Map<number, EventProcessor>();
  const base: Omit<OwnerContext, "chain"> = {
    log,
    store,
    clock: systemClock,
    identity,
    checkpoint_ms: settings.CHECKPOINT_MS,
    tick_after_ms: settings.TICK_AFTER_MS,
    newId: () => crypto.randomUUID(),
    newProcessor(partition) {
      const processor = new EventProcessor({
        partition,
        judge,
        kinds: configuration.kinds,
        sources: configuration.sources,
        defaults: resultSettings(settings),
        observe: observer(context),
      });
      processors.set(partition, processor);
      return processor;
    },
    seeds: () => watch.current,
    applied: async (partition) => {
      const tables = await Promise.all((await catalog.list()).map((name) => catalog.load(name)));
      return tables.filter((table) => table !== null)
        .map((table) => markOf(appliedOf(table.metadata), partition));
    },
    evolve({ kind, changes }) {
      const table = `processed.${configuration.kinds.get(kind)!.table}`;
      return evolveTable({ catalog, store, now: systemClock.now }, table, changes);
    },
    events: {
      claimed(checkpoint) {
        line.info("claimed", facts(checkpoint));
        advise(checkpoint);
      },
      turned: (partition) => watchdog.turned(partition, systemClock.now()),
      decided(checkpoint, cut_ms) {
        metrics.histogram("checkpoint_seconds", {}).observe(cut_ms / 1000);
        countRows(metrics, checkpoint);
        line.debug("decided", { ...facts(checkpoint), cut_ms });
        context.notify({ name: "decided", partition: checkpoint.partition, number: checkpoint.number });
        advise(checkpoint);
      },
      lag(partition, lag_records, lag_seconds) {
        lags.heard(partition, { records: lag_records, seconds: lag_seconds }, systemClock.now());
      },
      warn,
      alarm: (message) => line.error(message),
    },
  };

  // Seldom: counting walks over all keys.
  const tellForgotten = forgottenIds({
    count: (partition, ids) =>
      metrics.counter("dedup_ids_dropped_total", { partition: String(partition) }).add(ids),
    warn: (message, facts) => line.warn(message, facts),
  });
  const tellAhead = aheadOfClock({
    gauge: (partition, seconds) =>
      metrics.gauge("watermark_ahead_seconds", { partition: String(partition) }).set(seconds),
    warn: (message, facts) => line.warn(message, facts),
    info: (message, facts) => line.info(message, facts),
  });
  const telling = setInterval(() => {
    const ours = owners.partitions.map((partition) => ({ partition, processor: processors.get(partition) }));
    tellHeld(metrics, ours.map((one) => one.processor));
    for (const { partition, processor } of ours) {
      if (!processor) continue;
      tellForgotten(partition, processor.forgottenIds);
      tellAhead(partition, processor.summary().watermark_ms, systemClock.now());
    }
  }, HELD_EVERY_MS);
  const owners: Owners = new Owners({
    own: (partition, signal) =>
      ownPartition(partition, { ...base, chain: chains.get(partition)! }, signal)
        .finally(() => {
          watchdog.forget(partition);
          lags.forget(partition);
          for (const name of OF_OWNERS) metrics.drop(name, { partition: String(partition) });
          // With all of its state.
          processors.delete(partition);
        }),
    waiting: (reason) => context.waiting(reason),
  });
  const watching = setInterval(() => endIfStill(watchdog, context), LOOK_FOR_STANDSTILL_MS);
  const following = assignment.follow(async (owned) => {
    await owners.change(owned);
    context.ready();
  }, context.signal);
  // The watch ends as soon as it is asked to; the group is left in order, so that others take over at once.
  await Promise.race([following, owners.failed, watch.ended.then(() => following)]);
  clearInterval(telling);
  clearInterval(watching);
  await owners.change(new Set());
});

/** What only the owner of a partition may say: an old word of ours would stand beside the new one's. */
const OF_OWNERS = ["lag_records", "lag_seconds", "watermark_ahead_seconds", "checkpoint_bytes"] as const;
const HELD_EVERY_MS = 5_000;
const LOOK_FOR_STANDSTILL_MS = 10_000;

/** Thrown where nobody catches it: the thread ends at once, whatever hangs, and the supervisor starts another. */
function endIfStill(watchdog: Watchdog, { line }: WorkContext): void {
  const still = watchdog.still(systemClock.now());
  if (still.length === 0) return;
  line.error("owners stand still; the thread is started again", { partitions: still });
  throw new Error(`The owners of partitions ${still.join(", ")} stand still`);
}

function facts({ partition, number, epoch, next_offset }: Checkpoint) {
  return { partition, checkpoint: number, epoch, next_offset };
}

function countRows(metrics: Metrics, checkpoint: Checkpoint): void {
  for (const [table, { rows }] of Object.entries(checkpoint.tables)) {
    metrics.counter("rows_total", { table }).add(rows);
  }
  const { partition, segment } = checkpoint;
  metrics.gauge("checkpoint_bytes", { partition: String(partition) }).set(segment?.size_bytes ?? 0);
}

function tellLags(metrics: Metrics, lags: Lags): void {
  for (const [id, { records, seconds }] of lags.at(systemClock.now())) {
    const partition = String(id);
    metrics.gauge("lag_records", { partition }).set(records);
    metrics.gauge("lag_seconds", { partition }).set(seconds);
  }
}

/** Windows and sessions that are open, and alerts held back, over all partitions that are ours. */
function tellHeld(metrics: Metrics, processors: readonly (EventProcessor | undefined)[]): void {
  const held = processors.filter((processor) => processor !== undefined).map((processor) => processor.held());
  metrics.gauge("active_windows", {}).set(held.reduce((sum, one) => sum + one.windows, 0));
  metrics.gauge("active_sessions", {}).set(held.reduce((sum, one) => sum + one.sessions, 0));
  const suppressed = new Map<string, number>();
  for (const [rule, count] of held.flatMap((one) => Object.entries(one.suppressed))) {
    suppressed.set(rule, (suppressed.get(rule) ?? 0) + count);
  }
  for (const [rule, count] of suppressed) metrics.gauge("alerts_suppressed_open", { rule }).set(count);
}

function observer({ metrics, line }: WorkContext) {
  return {
    deadLetter: (source: string, reason: string) =>
      metrics.counter("dead_letters_total", { source, reason }).add(),
    duplicate: (source: string) => metrics.counter("duplicates_total", { source }).add(),
    late: (source: string) => metrics.counter("late_events_total", { source }).add(),
    result({ table, row }: { table: string; row: Readonly<Record<string, unknown>> }) {
      if (table !== "analytics.alerts") return;
      const { suppressed } = row;
      if (typeof suppressed === "number" && suppressed > 0) {
        metrics.counter("alerts_suppressed_total", { rule: String(row.rule) }).add(suppressed);
      }
      metrics.counter("alerts_total", { rule: String(row.rule), severity: String(row.severity) }).add();
    },
    warn: (message: string) => line.warn(message),
  };
}
