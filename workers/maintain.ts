/** The thread that turns decided segments into tables and keeps the lake small and whole. */
import { systemClock } from "../lib/clock.ts";
import { loadConfiguration } from "../lib/configuration.ts";
import {
  connectCatalog,
  connectChains,
  connectLander,
  connectLog,
  connectStore,
  connectWriter,
  lakePrefix,
  prepareLog,
} from "../lib/connect.ts";
import { ensureTables } from "../lib/lake/ensure_tables.ts";
import { lakeTables } from "../lib/lake/tables.ts";
import { Upkeep } from "../lib/lake/upkeep.ts";
import { Bell } from "../lib/observe/bell.ts";
import { runWorker } from "./shell.ts";

runWorker("maintain", async (context) => {
  const { settings } = context.start;
  await using store = await connectStore(settings);
  await using log = await connectLog(settings);
  await prepareLog(settings);
  await using writer = await connectWriter(settings);
  const { partitions } = await log.identity("events");
  const catalog = connectCatalog(settings, store);
  const prefix = lakePrefix(settings);
  const bell = new Bell();
  context.onNotice((notice) => notice.name === "decided" && bell.ring());
  const upkeep = new Upkeep({
    store,
    log,
    catalog,
    writer,
    prefix,
    bell,
    chains: connectChains(store, partitions),
    lander: connectLander(settings, store, writer),
    clock: systemClock,
    line: context.line,
    metrics: context.metrics,
    every_ms: {
      compact: settings.COMPACT_EVERY_MS,
      expire: settings.EXPIRE_EVERY_MS,
      audit: settings.AUDIT_EVERY_MS,
    },
    log_retention_hours: settings.LOG_RETENTION_HOURS,
    table_retention_days: settings.table_retention_days,
    async configured() {
      const { kinds, windows } = await loadConfiguration(settings);
      return lakeTables(kinds, windows);
    },
    ensure: (specs) => ensureTables({ catalog, store, specs, prefix, now: systemClock.now }),
    published: (table) => context.notify({ name: "published", table }),
  });
  await upkeep.run(context.signal, context.ready);
});
