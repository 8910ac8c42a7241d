/** Puts generated events onto the log: live at a rate until told to stop, or a whole span as fast as it goes. */
import type { Clock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { EventLog, NewRecord } from "../log/log.ts";
import type { Label } from "./generated.ts";
import type { Generator } from "./generator.ts";
import { demoRecord, type Destination } from "./on_log.ts";
import type { TokenBucket } from "./pacing.ts";
import type { Random } from "./random.ts";
import { type Span, spreadTime } from "./spread.ts";

export interface ProduceParts {
  generator: Generator;
  log: Pick<EventLog, "append">;
  to: Destination;
  clock: Clock;
  bucket: TokenBucket;
  /** Called with each batch once it is durable. */
  onAppended(records: readonly NewRecord[], labels: readonly Label[]): void | Promise<void>;
}

export const MOST_A_BATCH = 2000;
const LONGEST_PAUSE_MS = 5000;

/** Events that happen now, until the signal aborts. */
export async function produceLive(parts: ProduceParts, signal: AbortSignal): Promise<void> {
  const { generator, clock, bucket } = parts;
  let before_ms = clock.now();
  while (!signal.aborted) {
    const count = await untilStopped(bucket.take(MOST_A_BATCH, signal), signal);
    if (count === null) return;
    const now_ms = Math.max(before_ms, clock.now());
    const events = Array.from(
      { length: count },
      (_, i) => generator.next(Math.floor(before_ms + (now_ms - before_ms) * (i + 1) / count)),
    );
    before_ms = now_ms;
    await appendAll(parts, events, signal);
  }
}

/** All events of a span, as fast as the bucket lets them; the times are drawn from `random`. */
export async function produceSpan(
  parts: ProduceParts,
  { span, random }: { span: Span; random: Random },
  signal: AbortSignal,
): Promise<void> {
  const { generator, bucket } = parts;
  for (let done = 0; done < span.count;) {
    const count = await untilStopped(bucket.take(Math.min(MOST_A_BATCH, span.count - done), signal), signal);
    if (count === null) return;
    const first = done;
    const events = Array.from(
      { length: count },
      (_, i) => generator.next(spreadTime(span, first + i, random)),
    );
    await appendAll(parts, events, signal);
    done += count;
  }
}

async function appendAll(
  { log, to, clock, onAppended }: ProduceParts,
  events: readonly ReturnType<Generator["next"]>[],
  signal: AbortSignal,
): Promise<void> {
  const received_at = clock.now();
  const records = events.map((event) => demoRecord(event, to, received_at));
  if (!await appendPatiently(log, records, { clock, signal })) return;
  await onAppended(records, events.flatMap((event) => event.labels));
}

/** Tries again for as long as the log is away; a batch that was stored twice is found to be duplicates. */
async function appendPatiently(
  log: Pick<EventLog, "append">,
  records: readonly NewRecord[],
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<boolean> {
  for (let pause_ms = 100;; pause_ms = Math.min(LONGEST_PAUSE_MS, pause_ms * 2)) {
    try {
      await log.append("events", records);
      return true;
    } catch (error) {
      if (!(error instanceof Fault) || error.retry === "never") throw error;
      if (signal.aborted) return false;
      await untilStopped(clock.sleep(pause_ms, signal), signal);
    }
  }
}

/** Null when the signal ended the wait. */
async function untilStopped<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await waiting;
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
