/**
 * An owner that nobody assigned anything: it believes that it owns every partition, and works on all of them at once.
 * Run with the environment of the role `process`, until it is killed; prints a line with each claim and each loss.
 */
import { readSettings } from "../../lib/config.ts";
import { systemClock } from "../../lib/clock.ts";
import { loadConfiguration, resultSettings } from "../../lib/configuration.ts";
import { connectCatalog, connectChains, connectLog, connectStore } from "../../lib/connect.ts";
import { createJudge } from "../../lib/event/judge.ts";
import { appliedOf, markOf } from "../../lib/lake/applied.ts";
import { EventProcessor } from "../../lib/partition/event_processor.ts";
import { ownPartition } from "../../lib/partition/owner.ts";

const nothing = () => undefined;
const reading = readSettings(Deno.env.toObject(), Deno.readTextFileSync);
if (!reading.ok) throw new TypeError(JSON.stringify(reading.faults));
const { settings } = reading;
const configuration = await loadConfiguration(settings);
await using store = await connectStore(settings);
await using log = await connectLog(settings);
const identity = await log.identity("events");
const catalog = connectCatalog(settings, store);
const judge = createJudge(configuration);
const newProcessor = (partition: number) =>
  new EventProcessor({
    partition,
    judge,
    kinds: configuration.kinds,
    sources: configuration.sources,
    defaults: resultSettings(settings),
    observe: { deadLetter: nothing, duplicate: nothing, late: nothing, result: nothing, warn: nothing },
  });
const owning = [...connectChains(store, identity.partitions)].map(([partition, chain]) =>
  ownPartition(partition, {
    log,
    store,
    chain,
    identity,
    clock: systemClock,
    checkpoint_ms: settings.CHECKPOINT_MS,
    tick_after_ms: settings.TICK_AFTER_MS,
    newId: () => crypto.randomUUID(),
    newProcessor,
    seeds: () => configuration,
    applied: async (partition) => {
      const tables = await Promise.all((await catalog.list()).map((name) => catalog.load(name)));
      return tables.filter((table) => table !== null)
        .map((table) => markOf(appliedOf(table.metadata), partition));
    },
    evolve: () => Promise.resolve(),
    events: {
      claimed: ({ epoch }) => console.log(`claimed partition ${partition} as epoch ${epoch}`),
      decided: nothing,
      turned: nothing,
      lag: nothing,
      warn: (message) => console.log(message),
      alarm: (message) => console.log(message),
    },
  }, new AbortController().signal)
);
await Promise.all(owning);
