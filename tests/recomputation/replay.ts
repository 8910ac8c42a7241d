/** Reads one partition of a log from its beginning, as its owner does, at a pace, and gives every byte that came of it. */
import { CheckpointChain } from "../../lib/checkpoint/chain.ts";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";
import { type SegmentIndex, SegmentWriter } from "../../lib/checkpoint/segment.ts";
import { systemClock } from "../../lib/clock.ts";
import type { EventLog, NewRecord, Topic } from "../../lib/log/log.ts";
import { ownPartition } from "../../lib/partition/owner.ts";
import { MemoryStore } from "../store/memory_store.ts";
import { unzstd } from "../zstd_frames.ts";
import { decidedTexts } from "../decided.ts";
import { newProcessor, SHIPPED } from "../shipped_stream.ts";

export interface Pace {
  records_a_read: number;
  checkpoint_ms: number;
  /** Owners that take over one after the other, each after so many checkpoints; null: one owner. */
  takes_over_after: number | null;
}

export interface Replayed {
  /** NDJSON by table, and by topic as `topic:<name>`; what is counted by source, as `counts`. */
  texts: Map<string, string>;
  checkpoints: number;
}

export async function replay(log: EventLog, pace: Pace): Promise<Replayed> {
  const store = new MemoryStore();
  const chain = new CheckpointChain(store, 0, () => Promise.resolve());
  const { end } = await log.bounds("events", 0);
  const sent = new Map<Topic, Map<string, string>>();
  for (let next = 0; next < end;) {
    next = await own(log, { store, chain, pace, end, sent });
  }
  const { texts: parts, last } = await decidedTexts(store);
  const texts = new Map<string, string>();
  for (const { table, text } of parts) texts.set(table, (texts.get(table) ?? "") + text);
  for (const [topic, results] of sent) texts.set(`topic:${topic}`, [...results.values()].join("\n"));
  return { texts: texts.set("counts", countsText(last)), checkpoints: last.number };
}

/** The same of records in memory: one processor, one segment, no log, no store. */
export function direct(records: readonly NewRecord[]): Map<string, string> {
  const processor = newProcessor();
  processor.resume({ sources: {}, log_time_ms: null, taken_over: {} });
  const segment = new SegmentWriter();
  records.forEach((record, offset) => processor.accept({ ...record, offset }, segment));
  const range = { partition: 0, first_offset: 0, next_offset: records.length };
  const { bytes } = segment.finish(range, {});
  const texts = new Map<string, string>();
  for (const { name, start, size_bytes } of partsOf(bytes)) {
    texts.set(name, (texts.get(name) ?? "") + unzstd(bytes.subarray(start, start + size_bytes)));
  }
  for (const [topic, results] of processor.takeResults()) {
    texts.set(`topic:${topic}`, results.map(({ value }) => new TextDecoder().decode(value!)).join("\n"));
  }
  return texts.set("counts", countsText(processor.summary()));
}

type Counts = Pick<Checkpoint, "sources" | "watermark_ms" | "log_time_ms">;

function countsText({ sources, watermark_ms, log_time_ms }: Counts): string {
  const named = Object.entries(sources).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ named, watermark_ms, log_time_ms });
}

interface Owning {
  store: MemoryStore;
  chain: CheckpointChain;
  pace: Pace;
  end: number;
  /** Results by their id: a repeat must be the same, and its place is the first one's. */
  sent: Map<Topic, Map<string, string>>;
}

/** Owns the partition until its end or until another takes over, and answers with the next offset. */
async function own(log: EventLog, { store, chain, pace, end, sent }: Owning): Promise<number> {
  const abort = new AbortController();
  let next = 0;
  let decisions = 0;
  const append = (topic: Topic, records: readonly NewRecord[]) => {
    if (topic === "events") throw new TypeError("a replay adds nothing to the log");
    const results = sent.get(topic) ?? sent.set(topic, new Map()).get(topic)!;
    for (const { key, value } of records) {
      const text = new TextDecoder().decode(value!);
      if ((results.get(key!) ?? text) !== text) throw new TypeError(`${topic} ${key} was sent as two things`);
      results.set(key!, text);
    }
    return Promise.resolve(records.map(() => 0));
  };
  const read: EventLog["read"] = async (topic, partition, from, limits, signal) => {
    if (from >= end) abort.abort();
    const bounded = { ...limits, max_records: pace.records_a_read, wait_ms: 1 };
    return from >= end ? [] : await log.read(topic, partition, from, bounded, signal);
  };
  const nothing = () => undefined;
  await ownPartition(0, {
    log: {
      identity: (topic) => log.identity(topic),
      bounds: (topic, partition) => log.bounds(topic, partition),
      offsetAt: (topic, partition, time_ms) => log.offsetAt(topic, partition, time_ms),
      trim: (topic, partition, before) => log.trim(topic, partition, before),
      append,
      read,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    store,
    chain,
    identity: await log.identity("events"),
    clock: systemClock,
    checkpoint_ms: pace.checkpoint_ms,
    tick_after_ms: 1e12,
    // Small enough that a taker-over restores from an image and changes.
    image_floor_bytes: 800_000,
    newId: () => crypto.randomUUID(),
    newProcessor,
    seeds: () => SHIPPED,
    applied: () => Promise.resolve([]),
    evolve: () => Promise.resolve(),
    events: {
      claimed: nothing,
      turned: nothing,
      decided(checkpoint) {
        next = checkpoint.next_offset;
        if (++decisions === pace.takes_over_after) abort.abort();
      },
      lag: nothing,
      warn: nothing,
      alarm(message) {
        throw new TypeError(message);
      },
    },
  }, abort.signal);
  return next;
}

/** The parts of a whole segment in memory. */
function partsOf(bytes: Uint8Array): SegmentIndex["parts"] {
  const end = bytes.length - 12;
  const length = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(end - length, end))).parts;
}
