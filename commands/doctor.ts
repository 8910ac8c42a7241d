/** `main.ts doctor`: checks settings, files, log, store and engine, and says what to do about each. */
import { loadConfiguration } from "../lib/configuration.ts";
import { systemClock } from "../lib/clock.ts";
import { connectLog, connectStore, lakePrefix, probeStore } from "../lib/connect.ts";
import { messageOf } from "../lib/errors.ts";
import { misplacedTables } from "../lib/lake/relocation.ts";
import { parseArguments } from "./arguments.ts";
import type { Command, Invocation } from "./command.ts";
import { openLake } from "./lake.ts";

interface Check {
  what: string;
  /** Resolves with what was found; rejects with what is wrong. */
  run(settings: Invocation["settings"]): Promise<string>;
  advice: string;
}

const WARN_SKEW_MS = 60_000;

const CHECKS: readonly Check[] = [
  {
    what: "configuration files",
    async run(settings) {
      const { kinds, windows, rules } = await loadConfiguration(settings);
      return `${kinds.size} kinds, ${windows.length} windows, rules ${rules.version.slice(0, 8)}`;
    },
    advice: "mend the file in CONFIG_DIR at the line that is named",
  },
  {
    what: "log",
    async run(settings) {
      await using log = await connectLog(settings);
      const { id, partitions } = await log.identity("events");
      return `${settings.KAFKA_BROKERS === null ? "embedded" : "Kafka"}, ${partitions} partitions, id ${
        id.slice(0, 12)
      }`;
    },
    advice: "check KAFKA_BROKERS and that the brokers answer, or that DATA_DIR can be written",
  },
  {
    what: "store",
    async run(settings) {
      await using store = await connectStore(settings);
      await probeStore(store);
      return `${
        settings.S3_BUCKET === null ? "disk" : `bucket ${settings.S3_BUCKET}`
      }, one winner of 32 racing creates`;
    },
    advice: "check S3_ENDPOINT, S3_BUCKET and the keys, or that DATA_DIR can be written",
  },
  {
    what: "clock",
    async run(settings) {
      await using store = await connectStore(settings);
      for await (const { modified_at } of store.list("checkpoints/")) {
        const ahead_ms = modified_at - Date.now();
        if (ahead_ms > WARN_SKEW_MS) {
          throw new Error(`the store's clock is ${Math.round(ahead_ms / 1000)} s ahead of this machine's`);
        }
      }
      return new Date().toISOString();
    },
    advice: "let the machines keep their time by NTP; signatures live five minutes",
  },
  {
    what: "tables",
    async run(settings) {
      await using lake = await openLake(settings);
      const names = await lake.catalog.list();
      const moved = await misplacedTables({ ...lake, clock: systemClock, prefix: lakePrefix(settings) });
      if (moved.length > 0) {
        throw new Error(`${moved.length} tables name another place, ${moved[0].table.metadata.location}`);
      }
      if (names.length === 0) return "none yet; they are made when the program starts";
      const { rows } = await lake.questions.ask({ sql: "SELECT count(*) FROM raw.events", limit: 1 });
      return `${names.length} tables, ${rows[0][0]} records in raw.events, read by the query engine`;
    },
    advice: "after a move of DATA_DIR or the bucket, main.ts relocate rewrites the addresses",
  },
];

export const doctor: Command = {
  names: ["doctor"],
  usage: "doctor",
  doc: "check settings, log, store and tables, and say what to do",
  async run({ args, settings }) {
    parseArguments(args, {});
    let bad = 0;
    for (const { what, run, advice } of CHECKS) {
      try {
        console.log(`ok    ${what}: ${await run(settings)}`);
      } catch (error) {
        bad++;
        console.log(`WRONG ${what}: ${messageOf(error)}\n      ${advice}`);
      }
    }
    console.log(bad === 0 ? "doctor: all is well" : `doctor: ${bad} to mend`);
    return bad === 0 ? 0 : 1;
  },
};
