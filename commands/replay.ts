/** `main.ts replay`: dead letters, and records that no mapping knew, are appended to the log once more. */
import { systemClock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import { loadConfiguration } from "../lib/configuration.ts";
import { connectLog } from "../lib/connect.ts";
import { createJudge } from "../lib/event/judge.ts";
import { replayRaw } from "../lib/lake/raw_replay.ts";
import { chosenLetters, type LetterChoice, lettersCountSql } from "../routes/dead_letters.ts";
import { LakeSql } from "../routes/lake_sql.ts";
import { Replay } from "../routes/replay.ts";
import { addedInLake } from "./added_columns.ts";
import { TIME_HELP, timeOf } from "./answer.ts";
import { type Arguments, parseArguments, wrongUsage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { openLake } from "./lake.ts";
import { progressOnTerminal } from "./progress.ts";

const REPLAY_TIMEOUT_MS = 600_000;

export const replay: Command = {
  names: ["replay"],
  usage: "replay dead-letters|raw [--from T] [--to T] [--source S] [...] [--dry-run]",
  doc: "try again what became no row, with the kinds and senders of today",
  more: [
    "replay dead-letters [--id A,B] [--reason R] [--source S] [--from T] [--to T] [--body JSON]",
    "  appends the originals of open letters once more, or a corrected body for one id.",
    "replay raw [--from T] [--to T] [--source S] [--kind K]",
    "  appends records that were unmapped, where a kind or mapping of today makes rows of them;",
    "  --kind says what those of /ingest/event are. What was replayed before is passed over.",
    "--from and --to are times of arrival; --to is not included.",
    TIME_HELP,
  ],
  on_lake: true,
  run({ args, settings }) {
    const [what, ...rest] = args;
    if (what === "dead-letters") return replayLetters(settings, rest);
    if (what === "raw") return replayUnmapped(settings, rest);
    throw wrongUsage("after replay comes dead-letters or raw");
  },
};

async function replayLetters(settings: Settings, args: readonly string[]): Promise<number> {
  const { flags, options } = parseArguments(args, {
    flags: ["dry-run"],
    options: ["id", "reason", "source", "from", "to", "body"],
  });
  const choice: LetterChoice = {
    ids: options.id?.split(",").map((id) => id.trim()).filter((id) => id !== ""),
    reason: options.reason,
    source: options.source,
    ...timesOf(options),
  };
  if (options.body !== undefined && choice.ids?.length !== 1) {
    throw wrongUsage("--body goes with exactly one --id");
  }
  await using open = await openReplay(settings);
  const where = chosenLetters(choice, systemClock.now());
  if (flags.has("dry-run")) {
    const [counted] = await open.sql.items(lettersCountSql(where, choice.ids !== undefined));
    console.log(`replay: ${counted?.matched ?? 0} letters, ${counted?.opened ?? 0} would be appended`);
    return 0;
  }
  const { matched, replayed, skipped } = await new Replay(open.deps).run({
    where,
    body: options.body,
    are_named: choice.ids !== undefined,
  });
  console.log(`replay: ${matched} letters, ${replayed} appended, ${skipped} replayed before`);
  return 0;
}

async function replayUnmapped(settings: Settings, args: readonly string[]): Promise<number> {
  const { flags, options } = parseArguments(args, {
    flags: ["dry-run"],
    options: ["from", "to", "source", "kind"],
  });
  await using open = await openReplay(settings);
  const { kinds, sources } = open.configuration;
  const { kind, source } = options;
  if (kind !== undefined && !kinds.has(kind)) {
    throw wrongUsage(`there is no kind ${kind}; there are ${[...kinds.keys()].join(", ")}`);
  }
  const dry_run = flags.has("dry-run");
  const choice = { source, kind, ...timesOf(options) };
  const { matched } = await replayRaw({ ...open.raw, kinds, sources, progress: () => undefined }, choice, {
    dry_run: true,
  });
  const progress = progressOnTerminal("records", matched, systemClock);
  const done = await replayRaw(
    { ...open.raw, kinds, sources, progress: (count) => progress.add(count) },
    choice,
    { dry_run },
  );
  progress.end();
  const appended = `${done.replayed} ${dry_run ? "would be appended as events" : "appended as events"}`;
  console.log(
    `replay: ${done.matched} unmapped records, ${appended}, ${done.left} are no event of a kind yet, ` +
      `${done.skipped} replayed before`,
  );
  return 0;
}

function timesOf(options: Arguments["options"]): { from?: number; to?: number } {
  return { from: timeOf(options.from), to: timeOf(options.to) };
}

async function openReplay(settings: Settings) {
  await using building = new AsyncDisposableStack();
  const lake = building.use(await openLake({ ...settings, QUERY_TIMEOUT_MS: REPLAY_TIMEOUT_MS }));
  const log = building.use(await connectLog(settings));
  const configuration = await loadConfiguration(settings, { added: addedInLake(settings) });
  const { kinds, sources } = configuration;
  const { partitions } = await log.identity("events");
  const query = {
    run: ({ sql, limit }: { sql: string; limit: number }, signal?: AbortSignal) =>
      lake.questions.ask({ sql, limit }, signal),
  };
  const sql = new LakeSql(query, lake.catalog);
  const stack = building.move();
  return {
    configuration,
    sql,
    deps: { clock: systemClock, lake: sql, log, sources: () => sources, kinds: () => kinds, partitions },
    raw: {
      ask: async (sql: string, limit: number) => (await lake.questions.ask({ sql, limit })).rows,
      append: (records: Parameters<typeof log.append>[1]) => log.append("events", records),
      judge: createJudge(configuration),
      partitions,
      now: systemClock.now,
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
