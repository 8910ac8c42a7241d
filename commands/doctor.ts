/** `main.ts doctor`: checks settings, files, log, store and engine, and says what to do about each. */
import { resolve } from "node:path";
import { ANY_ADDED, configText, loadConfiguration } from "../lib/configuration.ts";
import { systemClock } from "../lib/clock.ts";
import { partitionsOf } from "../lib/checkpoint/partitions.ts";
import { connectChains, connectLog, lakePrefix, openStore, probeStore, storeOrigin } from "../lib/connect.ts";
import { readAlertsFile } from "../lib/alert/route.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import { readGeneratorFile } from "../lib/generator/generator_file.ts";
import { misplacedTables } from "../lib/lake/relocation.ts";
import { AHEAD_WARNING, aheadOfClockMs } from "../lib/partition/ahead_of_clock.ts";
import { checkRemote } from "../lib/query/remote_query.ts";
import { createSources } from "../lib/source/sources.ts";
import { addedInLake, asFarAsKnown } from "./added_columns.ts";
import { parseArguments } from "./arguments.ts";
import { browserAccess, type Found } from "./browser_access.ts";
import type { Command, Invocation } from "./command.ts";
import { openLake } from "./lake.ts";
import { MAKERS, missingLake, missingLog, missingStore } from "./lake_place.ts";
import { secretFaults, startFaults, unknownSenders } from "./start_faults.ts";

interface Check {
  what: string;
  /** Resolves with what was found; rejects with what is wrong. */
  run(settings: Invocation["settings"]): Promise<string | Found>;
  /** What to do when it rejects. */
  advice: string | ((settings: Invocation["settings"]) => string);
  /** Looks at the store beyond what `lake` has done: a store that did not answer there is not waited for again. */
  asks_store?: true;
  /** Where what it would look at is not there yet, or null: it is passed over then, and nothing is made. */
  missing?(settings: Invocation["settings"]): Promise<string | null>;
}

/** Signatures live five minutes, addresses one. */
const MOST_SKEW_MS = 30_000;
const ANSWER_MS = 10_000;

/** What everything in one process needs; a role of its own needs less. */
const ALL = { name: "all", needs_kafka: false };
const PERMISSIONS = ["net", "env", "read", "write", "run", "ffi", "sys"] as const;

const LAKE = "lake";

const CHECKS: readonly Check[] = [
  {
    what: "settings",
    async run(settings) {
      // Files that are refused have a line of their own.
      const sources = await loadConfiguration(settings, { added: ANY_ADDED })
        .then(({ sources }) => sources, () => createSources());
      const faults = [
        ...await startFaults(settings, ALL, { makes: false }),
        ...secretFaults(settings, sources),
      ];
      if (faults.length > 0) {
        throw new Error(faults.map(({ name, message }) => `${name} ${message}`).join("; "));
      }
      const strangers = unknownSenders(settings, sources);
      if (strangers.length > 0) {
        const known = sources.signing.map(({ name }) => name).join(", ");
        return { level: "warn", text: `${strangers.join(", ")}: no such sender; there are ${known}` };
      }
      const senders = Object.keys(settings.webhook_secrets);
      return senders.length === 0
        ? "no sender has a secret: /hooks/* is 404"
        : `secrets of ${senders.join(", ")}`;
    },
    advice: "main.ts settings lists all settings, what they mean and what they are",
  },
  {
    what: "permissions",
    async run() {
      const asked = await Promise.all(PERMISSIONS.map((name) => Deno.permissions.query({ name })));
      const denied = PERMISSIONS.filter((_, at) => asked[at].state !== "granted");
      if (denied.length > 0) throw new Error(`Deno may not use ${denied.join(", ")}`);
      return "Deno may do what every role needs";
    },
    advice: "run with -A, or with a permission set of deno.json (deno run -P=edge main.ts edge)",
  },
  {
    what: "configuration files",
    async run(settings) {
      const file = (name: string) => configText(`${settings.CONFIG_DIR}/${name}`);
      const read = await Promise.allSettled([
        loadConfiguration(settings, { added: asFarAsKnown(addedInLake(settings)) }),
        file("alerts.yaml").then(readAlertsFile),
        file("generator.yaml").then(readGeneratorFile),
      ]);
      const refused = read.flatMap((one) => one.status === "rejected" ? [messageOf(one.reason)] : []);
      const [loaded, routes] = read;
      if (loaded.status === "rejected" || routes.status === "rejected" || refused.length > 0) {
        throw new Error(refused.join(". "));
      }
      const { kinds, windows, rules, empty } = loaded.value;
      const counts = `${kinds.size} kinds, ${windows.length} windows, rules ${rules.version.slice(0, 8)}`;
      const text = `${counts}, ${routes.value.length} webhooks of alerts`;
      const mustSign = routes.value.some(({ body }) => body === "plain");
      const doubts = [
        ...empty.map((name) => `${name} is empty`),
        ...(mustSign && settings.ALERT_WEBHOOK_SECRET === null
          ? ["webhooks of alerts.yaml get nothing without ALERT_WEBHOOK_SECRET"]
          : []),
      ];
      return doubts.length === 0 ? text : { level: "warn", text: [text, ...doubts].join("; ") };
    },
    advice: "mend the file in CONFIG_DIR at the line that is named",
  },
  {
    what: LAKE,
    async run(settings) {
      const missing = await missingLake(settings);
      if (missing !== null) {
        return { level: "warn", text: `there is none yet: cannot find ${missing}`, advice: MAKERS };
      }
      return settings.S3_BUCKET === null
        ? resolve(settings.DATA_DIR)
        : `bucket ${settings.S3_BUCKET}, ${lakePrefix(settings)}`;
    },
    advice: (settings) => storeAdvice(settings, "read"),
  },
  {
    what: "log",
    missing: missingLog,
    async run(settings) {
      await using log = await connectLog(settings);
      const { id, partitions } = await log.identity("events");
      return `${settings.KAFKA_BROKERS === null ? "embedded" : "Kafka"}, ${partitions} partitions, id ${
        id.slice(0, 12)
      }`;
    },
    advice: ({ KAFKA_BROKERS }) =>
      KAFKA_BROKERS === null
        ? "check that DATA_DIR can be written"
        : "check KAFKA_BROKERS, that the brokers answer, and what they let us do",
  },
  {
    what: "store",
    asks_store: true,
    missing: missingStore,
    async run(settings) {
      await using store = await openStore(settings);
      await probeStore(store);
      return `${
        settings.S3_BUCKET === null ? "disk" : `bucket ${settings.S3_BUCKET}`
      }, one winner of 32 racing creates`;
    },
    advice: (settings) => storeAdvice(settings, "written"),
  },
  {
    what: "browser",
    asks_store: true,
    missing: missingStore,
    async run(settings) {
      await using store = await openStore(settings);
      return await browserAccess(settings, store);
    },
    advice: "check that S3_PUBLIC_ENDPOINT can be reached from where browsers are",
  },
  {
    what: "query role",
    async run({ QUERY_URL: url, API_TOKEN: token }) {
      if (url === null) return "none: everything in one process answers SQL itself, an edge does not";
      await checkRemote({ url, token }, AbortSignal.timeout(ANSWER_MS));
      return url;
    },
    advice: "check QUERY_URL, that main.ts query runs there, and that it has the same API_TOKEN",
  },
  {
    what: "clock",
    asks_store: true,
    async run(settings) {
      const skew_ms = await skewOf(settings);
      if (Math.abs(skew_ms) > MOST_SKEW_MS) {
        const seconds = Math.round(Math.abs(skew_ms) / 1000);
        const side = skew_ms > 0 ? "ahead of" : "behind";
        throw new Error(`the store's clock is ${seconds} s ${side} this machine's`);
      }
      return new Date().toISOString();
    },
    advice: "let the machines keep their time by NTP; signatures live five minutes",
  },
  {
    what: "event time",
    asks_store: true,
    missing: missingLake,
    async run(settings) {
      const newest = await newestWatermark(settings);
      if (newest === null) return "no event yet";
      const ahead_ms = aheadOfClockMs(newest, systemClock.now());
      const text = new Date(newest).toISOString();
      return ahead_ms === 0 ? text : { level: "warn", text: `${text}; ${AHEAD_WARNING}` };
    },
    advice: "check that the store answers and that its checkpoints are whole (main.ts audit)",
  },
  {
    what: "tables",
    asks_store: true,
    missing: missingLake,
    async run(settings) {
      await using lake = await openLake(settings);
      const names = await lake.catalog.list();
      const moved = await misplacedTables({ ...lake, clock: systemClock, prefix: lakePrefix(settings) });
      if (moved.length > 0) {
        throw new Error(
          `${moved.length} tables name another place, ${moved[0].table.metadata.location}; ` +
            "after a move of DATA_DIR or the bucket, main.ts relocate rewrites the addresses",
        );
      }
      if (names.length === 0) return "none yet; they are made when the program starts";
      const { rows } = await lake.questions.ask({ sql: "SELECT count(*) FROM raw.events", limit: 1 });
      return `${names.length} tables, ${rows[0][0]} records in raw.events, read by the query engine`;
    },
    advice: "mend what is named; main.ts audit tells which tables cannot be read",
  },
];

function storeAdvice({ S3_BUCKET }: Invocation["settings"], needed: string): string {
  return S3_BUCKET === null
    ? `check that DATA_DIR can be ${needed}`
    : "check S3_ENDPOINT, S3_BUCKET and the keys";
}

/** How far the store's clock is ahead of ours. A folder has our own; a server says its time in every answer. */
async function skewOf(settings: Invocation["settings"]): Promise<number> {
  await using store = await openStore(settings);
  const address = settings.S3_ENDPOINT ?? await storeOrigin(store);
  if (address === null) return 0;
  const answer = await fetch(address, { method: "HEAD", signal: AbortSignal.timeout(ANSWER_MS) });
  const date = Date.parse(answer.headers.get("date") ?? "");
  return Number.isNaN(date) ? 0 : date - Date.now();
}

/** Of all partitions, as their newest checkpoints have it. */
async function newestWatermark(settings: Invocation["settings"]): Promise<number | null> {
  await using store = await openStore(settings);
  const chains = connectChains(store, await partitionsOf(store));
  const heads = await Promise.all([...chains.values()].map((chain) => chain.head()));
  const times = heads.map(({ checkpoint }) => checkpoint?.watermark_ms ?? null).filter((time) =>
    time !== null
  );
  return times.length === 0 ? null : Math.max(...times);
}

export const doctor: Command = {
  names: ["doctor"],
  usage: "doctor",
  doc: "check settings, permissions, log, store, clock and tables, and say what to do",
  on_lake: true,
  async run({ args, settings }) {
    parseArguments(args, {});
    let wrong = 0;
    let isThere = true;
    let isAway = false;
    for (const check of CHECKS) {
      const { level, text, advice, is_away } = isAway && check.asks_store
        ? NOT_ASKED
        : await examine(check, settings);
      if (level === "WRONG") wrong++;
      if (check.what === LAKE && level === "warn") isThere = false;
      if (is_away) isAway = true;
      console.log(`${level.padEnd(5)} ${check.what}: ${text}`);
      if (advice !== undefined) console.log(`      ${advice}`);
    }
    const well = isThere ? "doctor: all is well" : "doctor: all is well, and there is no lake yet";
    console.log(wrong === 0 ? well : `doctor: ${wrong} to mend`);
    return wrong === 0 ? 0 : 1;
  },
};

const NOT_ASKED: Examined = { level: "warn", text: "not looked at, for the store does not answer" };

interface Examined extends Found {
  /** The store gave no answer. */
  is_away?: boolean;
}

async function examine(
  { run, missing, advice }: Check,
  settings: Invocation["settings"],
): Promise<Examined> {
  try {
    if (await missing?.(settings)) return { level: "ok", text: "nothing to look at yet" };
    const found = await run(settings);
    return typeof found === "string" ? { level: "ok", text: found } : found;
  } catch (error) {
    const what = typeof advice === "string" ? advice : advice(settings);
    const is_away = error instanceof Fault && error.code === "store_unavailable";
    return { level: "WRONG", text: messageOf(error), advice: what, is_away };
  }
}
