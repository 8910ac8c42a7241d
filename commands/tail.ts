/** `main.ts tail`: the records of a topic as they come, on either log, of all partitions. */
import { systemClock } from "../lib/clock.ts";
import { connectLog } from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import type { EventLog, LogRecord, Topic } from "../lib/log/log.ts";
import { TOPICS } from "../lib/log/topics.ts";
import { type Arguments, parseArguments, wholeOption, wrongUsage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { needLog } from "./lake_place.ts";
import { TAIL_FORMATS, type TailFormat, tailOutput } from "./tail_output.ts";
import { noParquetHere, TIME_HELP, timeOf } from "./answer.ts";

const LIMITS = { max_records: 500, max_bytes: 4 * 1024 * 1024, wait_ms: 500 };
const MOST_RECORDS = 1_000_000_000;

/** Where to begin: at the end, at an offset of every partition, or at a moment of log time. */
type From = { kind: "end" } | { kind: "offset"; offset: number } | { kind: "time"; time_ms: number };

export const tail: Command = {
  names: ["tail"],
  usage: `tail [${TOPICS.join("|")}] [--from <offset or time>] [--limit N] [--json] [--format F]`,
  doc: "watch a topic; without --from what comes from now on",
  more: [
    "events are what was received, alerts, aggregates and dead_letters what became of it.",
    "--from 0 begins with the oldest record of each partition, --from <time> with what was received then.",
    "--limit N ends after N records of all partitions together; Ctrl+C ends it too.",
    "--json gives a record a line: partition, offset, received_at, key, headers, value (value_base64 when it is no text).",
    "--format text (the default), json (the same as --json), csv, or parquet (into a file, with a --limit).",
    TIME_HELP,
  ],
  on_lake: true,
  async run({ args, settings }) {
    const parsed = parseArguments(args, {
      words: [0, 1],
      options: ["from", "limit", "format"],
      flags: ["json"],
    });
    const topic = TOPICS.find((one) => one === (parsed.words[0] ?? "events"));
    if (topic === undefined) {
      throw wrongUsage(`there is no topic ${parsed.words[0]}; there are ${TOPICS.join(", ")}`);
    }
    const from = fromOf(parsed.options.from);
    const limit = wholeOption(parsed, "limit", MOST_RECORDS, [1, MOST_RECORDS]);
    const output = tailOutput(formatOf(parsed), settings);
    await needLog(settings);
    await using log = await connectLog(settings);
    await follow(log, topic, { from, limit, write: (record) => output.write(record) });
    await output.end();
    return 0;
  },
};

/** Parquet is written whole, so it must be known when it is. */
function formatOf({ options, flags }: Arguments): TailFormat {
  const format = TAIL_FORMATS.find((one) => one === (flags.has("json") ? "json" : options.format ?? "text"));
  if (!format) throw wrongUsage(`--format must be one of ${TAIL_FORMATS.join(", ")}`);
  if (format === "parquet" && options.limit === undefined) throw wrongUsage("parquet needs a --limit");
  if (format === "parquet" && Deno.stdout.isTerminal()) throw noParquetHere();
  return format;
}

function fromOf(text: string | undefined): From {
  if (text === undefined) return { kind: "end" };
  if (/^\d{1,15}$/.test(text)) return { kind: "offset", offset: Number(text) };
  return { kind: "time", time_ms: timeOf(text)! };
}

interface FollowOptions {
  from: From;
  limit: number;
  /** Whether more is wanted. */
  write(record: LogRecord): boolean;
}

/** Reads all partitions side by side until `limit` records were written, or a signal asks to stop. */
async function follow(log: EventLog, topic: Topic, { from, limit, write }: FollowOptions): Promise<void> {
  const { partitions } = await log.identity(topic);
  const done = new AbortController();
  const stop = () => done.abort(new Error("the command is stopping"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, stop);
  let left = limit;
  const take = (record: LogRecord) => {
    if (left === 0) return;
    left = write(record) ? left - 1 : 0;
    if (left === 0) stop();
  };
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  try {
    await Promise.all(
      numbers.map((partition) => followPartition(log, { topic, partition, from }, take, done.signal)),
    );
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, stop);
  }
}

async function followPartition(
  log: EventLog,
  { topic, partition, from }: { topic: Topic; partition: number; from: From },
  take: (record: LogRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  let next = await beginning(log, { topic, partition }, from);
  while (!signal.aborted) {
    try {
      const records = await log.read(topic, partition, next, LIMITS, signal);
      for (const record of records) {
        if (from.kind === "time" && record.received_at < from.time_ms) continue;
        take(record);
      }
      if (records.length > 0) next = records[records.length - 1].offset + 1;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Fault) || error.retry === "never") throw error;
      // Retention may pass a slow reader: it goes on with what is left.
      if (error.code === "log_truncated") next = (await log.bounds(topic, partition)).begin;
      else await systemClock.sleep(LIMITS.wait_ms, signal).catch(() => undefined);
    }
  }
}

async function beginning(
  log: EventLog,
  at: { topic: Topic; partition: number },
  from: From,
): Promise<number> {
  const { begin, end } = await log.bounds(at.topic, at.partition);
  switch (from.kind) {
    case "end":
      return end;
    case "offset":
      return Math.max(begin, Math.min(from.offset, end));
    case "time":
      return await log.offsetAt(at.topic, at.partition, from.time_ms);
  }
}
