/** The thread that makes up events: demo data inside the program, or the role `produce` in front of Kafka. */
import { systemClock } from "../lib/clock.ts";
import { ANY_ADDED, configText, loadConfiguration } from "../lib/configuration.ts";
import { connectLog, prepareLog } from "../lib/connect.ts";
import { messageOf } from "../lib/errors.ts";
import { Generator } from "../lib/generator/generator.ts";
import { type GeneratorConfig, readGeneratorFile } from "../lib/generator/generator_file.ts";
import { LabelFile, LABELS } from "../lib/generator/label_file.ts";
import { DEMO_SOURCE } from "../lib/generator/on_log.ts";
import { TokenBucket } from "../lib/generator/pacing.ts";
import { produceLive, type ProduceParts, produceSpan } from "../lib/generator/produce.ts";
import { Random } from "../lib/generator/random.ts";
import type { EventLog } from "../lib/log/log.ts";
import { runWorker, type WorkContext } from "./shell.ts";

/** Of the role `produce`, when neither file nor setting says. */
const USUAL_RATE = 100;
const LOOK_EVERY_MS = 1_000;
/** What a lake that is new finds in it at once: a day of history. */
const HISTORY_EVENTS = 10_000;
const HISTORY_MS = 24 * 3_600_000;
const HISTORY_RATE = 50_000;
/** Records that every partition begins with. */
const SEEDS = 2;

runWorker("produce", async (context) => {
  const { settings, role } = context.start;
  const path = `${settings.CONFIG_DIR}/generator.yaml`;
  let text = await configText(path);
  const config = readGeneratorFile(text);
  const rateOf = ({ events_per_second }: GeneratorConfig) =>
    events_per_second ?? (settings.DEMO_EVENTS_PER_SECOND || USUAL_RATE);
  const { kinds, sources } = await loadConfiguration(settings, { added: ANY_ADDED });
  await using log = await connectLog(settings);
  await prepareLog(settings);
  const { partitions } = await log.identity("events");
  await using labels = await openLabels(settings.DATA_DIR, context);
  const accepted = context.metrics.counter("events_accepted_total", { source: DEMO_SOURCE });
  const seed = systemClock.now();
  const generator = new Generator({ seed, config, events_per_second: rateOf(config) });
  const bucket = new TokenBucket(systemClock, rateOf(config));
  const parts: ProduceParts = {
    generator,
    log,
    to: { partitions, kinds, sources },
    clock: systemClock,
    bucket,
    async onAppended(records, given) {
      await labels?.write(given);
      accepted.add(records.length);
      for (const [kind, { length }] of Map.groupBy(records, ({ headers }) => headers.kind ?? "unknown")) {
        context.metrics.counter("events_by_kind_total", { kind }).add(length);
      }
    },
  };
  context.ready();
  if (role === "dev" && await isNew(log, partitions)) await produceHistory(parts, seed, context);

  const watching = watch(path, context, (next) => {
    if (next === text) return;
    text = next;
    const changed = readGeneratorFile(next);
    generator.configure(changed, rateOf(changed));
    bucket.setRate(rateOf(changed));
    context.line.info("took generator.yaml over", { events_per_second: rateOf(changed) });
  });
  await Promise.all([watching, produceLive(parts, context.signal)]);
});

/** Events are made up all the same where no file may be written. */
async function openLabels(folder: string, { line }: WorkContext): Promise<LabelFile | null> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    return await LabelFile.open(`${folder}/${LABELS}`, { append: true });
  } catch (error) {
    line.warn("what is injected is not labelled", { reason: messageOf(error) });
    return null;
  }
}

/** Whether nothing but the first control records stands in the log. */
async function isNew(log: EventLog, partitions: number): Promise<boolean> {
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const bounds = await Promise.all(numbers.map((partition) => log.bounds("events", partition)));
  return bounds.every(({ begin, end }) => begin === 0 && end <= SEEDS);
}

/** The day that ends now, so that the pages of a new lake have something to show. */
async function produceHistory(
  parts: ProduceParts,
  seed: number,
  { signal, line }: WorkContext,
): Promise<void> {
  const to_ms = systemClock.now();
  const span = { count: HISTORY_EVENTS, from_ms: to_ms - HISTORY_MS, to_ms };
  const bucket = new TokenBucket(systemClock, HISTORY_RATE);
  await produceSpan({ ...parts, bucket }, { span, random: new Random(`history ${seed}`) }, signal);
  line.info("made up a day of history", { events: HISTORY_EVENTS });
}

/** Calls `take` with the file's text every second; a file that is refused is told once, and the one before stays. */
async function watch(
  path: string,
  { signal, line }: WorkContext,
  take: (text: string | null) => void,
): Promise<void> {
  let told = "";
  while (!signal.aborted) {
    try {
      take(await configText(path));
      told = "";
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== told) line.warn("generator.yaml stays as it was", { reason });
      told = reason;
    }
    await systemClock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
  }
}
