/** The thread that turns decided segments into tables and keeps the lake small and whole. */
import { systemClock } from "../lib/clock.ts";
import {
  connectCatalog,
  connectChains,
  connectFiles,
  connectLander,
  connectLog,
  connectStore,
  connectWriter,
  lakePrefix,
  prepareLog,
} from "../lib/connect.ts";
import { DELIVERIES } from "../lib/alert/delivery.ts";
import { Notifier } from "../lib/alert/notify.ts";
import { RouteFile } from "../lib/alert/route_file.ts";
import { configText, loadConfiguration } from "../lib/configuration.ts";
import { appendRows } from "../lib/lake/append_rows.ts";
import { ensureTables } from "../lib/lake/ensure_tables.ts";
import { addedIn } from "../lib/lake/evolution.ts";
import { modelsSchedule } from "../lib/lake/models_schedule.ts";
import { lakeTables } from "../lib/lake/tables.ts";
import { Upkeep } from "../lib/lake/upkeep.ts";
import { lakeViews } from "../lib/lake/views.ts";
import { emptyWarning } from "../lib/configuration_watch.ts";
import { saysNothing } from "../lib/stream/definition_file.ts";
import { Bell } from "../lib/observe/bell.ts";
import { runWorker } from "./shell.ts";

runWorker("maintain", async (context) => {
  const { settings } = context.start;
  await using store = await connectStore(settings);
  const catalog = connectCatalog(settings, store);
  const added = addedIn(catalog);
  const { kinds, windows } = await loadConfiguration(settings, { added });
  await using log = await connectLog(settings);
  await prepareLog(settings);
  await using writer = await connectWriter(settings);
  const { partitions } = await log.identity("events");
  const prefix = lakePrefix(settings);
  await using files = await connectFiles(settings, store);
  const bell = new Bell();
  context.onNotice((notice) => notice.name === "decided" && bell.ring());
  const common = {
    store,
    log,
    catalog,
    writer,
    prefix,
    lander: connectLander(settings, store, writer),
    clock: systemClock,
    line: context.line,
    metrics: context.metrics,
  };
  const models = modelsSchedule({
    ...common,
    views: lakeViews(kinds, windows),
    files,
    now: systemClock.now,
  });
  const upkeep = new Upkeep({
    ...common,
    bell,
    chains: connectChains(store, partitions),
    tasks: [{ what: "making models", every_ms: settings.MODELS_EVERY_MS, work: models }],
    every_ms: {
      compact: settings.COMPACT_EVERY_MS,
      expire: settings.EXPIRE_EVERY_MS,
      audit: settings.AUDIT_EVERY_MS,
    },
    first_after_ms: settings.UPKEEP_AFTER_MS,
    log_retention_hours: settings.LOG_RETENTION_HOURS,
    table_retention_days: settings.table_retention_days,
    async configured() {
      const { kinds, windows } = await loadConfiguration(settings, { added });
      return lakeTables(kinds, windows);
    },
    ensure: (specs) => ensureTables({ catalog, store, specs, prefix, now: systemClock.now }),
    published: (table) => context.notify({ name: "published", table }),
  });
  const routes = new RouteFile({
    read: () => configText(`${settings.CONFIG_DIR}/alerts.yaml`),
    taken(text) {
      context.line.info("took alerts.yaml over");
      if (text !== null && saysNothing(text)) context.line.warn(emptyWarning("alerts.yaml"));
    },
    refused: (reason) => context.line.error("the old routes of alerts stay", { reason }),
    clock: systemClock,
  });
  const notifier = new Notifier({
    ...common,
    routes: () => routes.routes(),
    secret: settings.ALERT_WEBHOOK_SECRET,
    keepRows: (rows) => appendRows(common, DELIVERIES, rows),
  });
  const { signal } = context;
  await Promise.all([upkeep.run(signal, context.ready), notifier.run(signal)]);
});
