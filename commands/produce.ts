/**
 * `main.ts produce`: the role that makes up events in front of Kafka; with `--count` a backfill onto either log, from this
 * process, with the labels of what was injected in a file of their own.
 */
import type { NewRecord } from "../lib/log/log.ts";
import { systemClock } from "../lib/clock.ts";
import { configText, loadConfiguration } from "../lib/configuration.ts";
import type { Settings } from "../lib/config.ts";
import { connectLog, prepareLog } from "../lib/connect.ts";
import type { Label } from "../lib/generator/generated.ts";
import { Generator } from "../lib/generator/generator.ts";
import { MAX_EVENTS_PER_SECOND, readGeneratorFile } from "../lib/generator/generator_file.ts";
import { LabelFile, LABELS } from "../lib/generator/label_file.ts";
import { TokenBucket } from "../lib/generator/pacing.ts";
import { produceSpan } from "../lib/generator/produce.ts";
import { Random } from "../lib/generator/random.ts";
import { eventsPerSecond, lastBurstEnd, type Span } from "../lib/generator/spread.ts";
import { seedPartitions } from "../lib/partition/control_record.ts";
import { addedInLake } from "./added_columns.ts";
import { type Arguments, parseArguments, wholeOption, wrongUsage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { progressOnTerminal } from "./progress.ts";
import { type Role, serve } from "./serve.ts";
import { TIME_HELP, timeOf } from "./answer.ts";

const PRODUCE: Role = {
  name: "produce",
  has_door: false,
  shows: false,
  has_engine: false,
  needs_kafka: true,
  workers: () => ({ produce: 1 }),
};
const DAY_MS = 86_400_000;
const MOST_EVENTS = 1_000_000_000;
const OPTIONS = ["count", "from", "to", "labels", "seed", "rate"];

export const produce: Command = {
  names: ["produce"],
  usage: "produce [--count N [--from T] [--to T] [--labels file] [--seed N] [--rate N]]",
  doc: "make up events: the role that does so in front of Kafka, or N of them in a span of time",
  more: [
    "Without --count events of now, until it is told to end: as many a second as generator.yaml says, else",
    "DEMO_EVENTS_PER_SECOND, else 100 a second.",
    "--count N makes so many, on either log, spread from --from to --to: unless told otherwise the day that ends now.",
    "--rate N appends at most so many a second. --seed N makes others; the same seed, count and span make the same again.",
    "--labels names the file that tells what was injected, written anew; without it DATA_DIR/labels.ndjson goes on.",
    TIME_HELP,
  ],
  on_lake: true,
  async run(invocation) {
    const parsed = parseArguments(invocation.args, { options: OPTIONS });
    if (parsed.options.count === undefined) {
      if (Object.keys(parsed.options).length > 0) throw wrongUsage("these options belong to --count");
      return await serve(PRODUCE, invocation);
    }
    return await backfill(invocation.settings, parsed);
  },
};

export function spanOf(parsed: Arguments, now_ms: number): Span {
  const count = wholeOption(parsed, "count", 0, [1, MOST_EVENTS]);
  const to_ms = timeOf(parsed.options.to) ?? now_ms;
  const from_ms = timeOf(parsed.options.from) ?? to_ms - DAY_MS;
  if (from_ms >= to_ms) throw wrongUsage("--from must be before --to");
  return { count, from_ms, to_ms };
}

async function backfill(settings: Settings, parsed: Arguments): Promise<number> {
  const span = spanOf(parsed, systemClock.now());
  const number = wholeOption(parsed, "seed", 1, [0, Number.MAX_SAFE_INTEGER]);
  const rate = wholeOption(parsed, "rate", MAX_EVENTS_PER_SECOND, [1, MAX_EVENTS_PER_SECOND]);
  // Another span is another run: its ids must not meet those of this one.
  const seed = `${number} ${span.count} ${span.from_ms} ${span.to_ms}`;
  const config = readGeneratorFile(await configText(`${settings.CONFIG_DIR}/generator.yaml`));
  const configuration = await loadConfiguration(settings, { added: addedInLake(settings) });
  const named = parsed.options.labels;
  await Deno.mkdir(settings.DATA_DIR, { recursive: true });
  await using labels = await LabelFile.open(named ?? `${settings.DATA_DIR}/${LABELS}`, {
    append: named === undefined,
  });
  await using log = await connectLog(settings);
  await prepareLog(settings);
  const { partitions } = await log.identity("events");
  await seedPartitions(log, partitions, { seeds: configuration, now: systemClock.now() });
  const progress = progressOnTerminal("events", span.count, systemClock);
  const until_ms = lastBurstEnd(span);
  const generator = new Generator({ seed, config, events_per_second: eventsPerSecond(span), until_ms });
  let produced = 0;
  const parts = {
    generator,
    log,
    to: { partitions, kinds: configuration.kinds, sources: configuration.sources },
    clock: systemClock,
    bucket: new TokenBucket(systemClock, rate),
    async onAppended({ length: records }: readonly NewRecord[], given: readonly Label[]) {
      produced += records;
      await labels.write(given);
      progress.add(records);
    },
  };
  const stop = stopSignal();
  await produceSpan(parts, { span, random: new Random(`times ${seed}`) }, stop);
  progress.end();
  console.log(`produced ${produced} of ${span.count} events, ${labels.count} labels`);
  return produced === span.count ? 0 : 1;
}

/** Aborts with the first SIGINT or SIGTERM; what was appended by then stays. */
function stopSignal(): AbortSignal {
  const abort = new AbortController();
  const stop = () => abort.abort(new Error("the command is stopping"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, stop);
  return abort.signal;
}
