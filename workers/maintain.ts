/** The thread that turns decided segments into tables and keeps the lake small: publish, compact, audit, on schedules. */
import { loadConfiguration } from "../lib/configuration.ts";
import {
  connectCatalog,
  connectChains,
  connectLander,
  connectLog,
  connectStore,
  connectWriter,
  lakePrefix,
} from "../lib/connect.ts";
import { systemClock } from "../lib/clock.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import { Compactor } from "../lib/lake/compactor.ts";
import { ensureTables } from "../lib/lake/ensure_tables.ts";
import { Publisher } from "../lib/lake/publisher.ts";
import { lakeTables, type TableSpec } from "../lib/lake/tables.ts";
import { Bell } from "../lib/observe/bell.ts";
import { runWorker, type WorkContext } from "./shell.ts";

/** Decisions of other processes are found this soon; our own are told at once. */
const LOOK_EVERY_MS = 1_000;

runWorker("maintain", async (context) => {
  const { settings } = context.start;
  const configuration = await loadConfiguration(settings);
  await using store = await connectStore(settings);
  await using log = await connectLog(settings);
  const catalog = connectCatalog(settings, store);
  const identity = await log.identity("events");
  const chains = connectChains(store, identity.partitions);
  await using writer = await connectWriter(settings);
  const specs = lakeTables(configuration.kinds, configuration.windows);
  const lander = connectLander(settings, store, writer);
  await ensureTables({ catalog, store, specs, prefix: lakePrefix(settings), now: systemClock.now });
  const publisher = new Publisher({
    store,
    catalog,
    chains,
    lander,
    alarm: (message) => context.line.error(message),
  });
  const compactor = new Compactor({ store, catalog, writer, lander });

  const bell = new Bell();
  context.onNotice((notice) => notice.name === "decided" && bell.ring());
  context.ready();
  await Promise.all([
    schedule(
      context,
      { every_ms: LOOK_EVERY_MS, bell, what: "publishing" },
      () => publishAll(publisher, specs, context),
    ),
    schedule(context, { every_ms: settings.COMPACT_EVERY_MS, what: "compacting" }, async () => {
      for (const spec of specs) {
        const done = await compactor.compact(spec, { signal: context.signal });
        if (done.files_before > 0) context.line.info("compacted", { table: spec.key, ...done });
      }
    }),
  ]);
});

async function publishAll(
  publisher: Publisher,
  specs: readonly TableSpec[],
  context: WorkContext,
): Promise<void> {
  const decided = await publisher.decided();
  for (const spec of specs) {
    while (!context.signal.aborted) {
      const began = systemClock.now();
      const published = await publisher.publish(spec, decided, context.signal);
      if (!published) break;
      const took_ms = systemClock.now() - began;
      context.metrics.histogram("publish_seconds", { table: spec.key }).observe(took_ms / 1000);
      context.line.debug("published", { table: spec.key, rows: published.rows, took_ms });
      context.notify({ name: "published", table: spec.key });
    }
  }
}

/** Runs `work` again and again until the stop. A failure is told and tried again; one that no retry mends ends the thread. */
async function schedule(
  { signal, line }: WorkContext,
  rhythm: { every_ms: number; bell?: Bell; what: string },
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Fault) || error.retry === "never") throw error;
      line.warn(`${rhythm.what} failed; trying again`, { reason: messageOf(error) });
    }
    const pause = systemClock.sleep(rhythm.every_ms, signal).catch(() => undefined);
    await (rhythm.bell ? Promise.race([pause, rhythm.bell.heard()]) : pause);
  }
}
