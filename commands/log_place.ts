/** Where in a partition a moment of log time is: found by halving, so that a long log costs a few reads. */
import type { EventLog, Topic } from "../lib/log/log.ts";

const ONE = { max_records: 1, max_bytes: 1, wait_ms: 0 };

/** The offset from which records were received at `time_ms` or later, or one somewhat before it; the end when there is none. */
export async function firstSince(
  log: EventLog,
  { topic, partition }: { topic: Topic; partition: number },
  time_ms: number,
): Promise<number> {
  const { begin, end } = await log.bounds(topic, partition);
  let [low, high] = [begin, end];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [record] = await log.read(topic, partition, middle, ONE);
    if (record === undefined || record.offset >= high || record.received_at >= time_ms) high = middle;
    else low = record.offset + 1;
  }
  return low;
}
