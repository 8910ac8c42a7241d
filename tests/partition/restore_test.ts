/**
 * Coming back. Invariant: an owner that was killed anywhere, as often as one likes, gives the rows, the results and the
 * statistics of one that never stopped, bit for bit; and what it reads to come back does not grow with age.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import { CheckpointChain } from "../../lib/checkpoint/chain.ts";
import { readSettings } from "../../lib/config.ts";
import { loadConfiguration } from "../../lib/configuration.ts";
import { Generator } from "../../lib/generator/generator.ts";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";
import { demoRecord } from "../../lib/generator/on_log.ts";
import type { LogRecord, NewRecord } from "../../lib/log/log.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { controlRecord, fileRecord } from "../../lib/partition/control_record.ts";
import type { EventProcessor } from "../../lib/partition/event_processor.ts";
import { ownPartition } from "../../lib/partition/owner.ts";
import { Watchdog } from "../../lib/partition/watchdog.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { everything } from "../faults/sample.ts";
import { newProcessor } from "../lake/small_lake.ts";
import { quickFolder } from "../quick_folder.ts";
import { append, decided, watched } from "./small_partition.ts";

/** Every restore reads the whole state: a thousand of them are for the soak. */
const EVENTS = everything ? 1_000 : 300;
const START = Date.parse("2026-03-01T12:00:00Z");
const IMAGE_EVERY = 25;

const reading = readSettings({}, () => "");
ok(reading.ok);
const configuration = await loadConfiguration(reading.settings);

/** A day of made-up events with fraud, doubles, broken and late ones, the shipped rules and windows before them. */
function recordsOf(count: number): LogRecord[] {
  const config = readGeneratorFile("");
  const generator = new Generator({ seed: "restore", config, events_per_second: 2 });
  const to = { partitions: 1, kinds: configuration.kinds, sources: configuration.sources };
  const records: NewRecord[] = [
    fileRecord("settings", 0, { file: configuration.settings, received_at: START }),
    fileRecord("rules", 0, { file: configuration.rules, received_at: START }),
  ];
  for (let i = 0; records.length < count; i++) {
    const time = START + i * 3_000;
    records.push(demoRecord(generator.next(time), to, time + 200));
    if (i % 100 === 99) records.push(controlRecord("tick", 0, { body: {}, received_at: time + 300 }));
  }
  return records.map((record, offset) => ({ ...record, offset }));
}

/** A segment that also remembers what went into it. */
class Watched extends SegmentWriter {
  readonly lines: string[] = [];
  override add(...args: Parameters<SegmentWriter["add"]>): string {
    const text = super.add(...args);
    this.lines.push(`${args[0]} ${text}`);
    return text;
  }
}

interface Made {
  rows: string[];
  results: string[];
  change_bytes: number;
}

const decoder = new TextDecoder();

function take(processor: EventProcessor, record: LogRecord, made: Made): void {
  const segment = new Watched();
  processor.accept(record, segment);
  made.rows.push(...segment.lines);
  for (const [topic, results] of processor.takeResults()) {
    for (const one of results) {
      made.results.push(
        `${topic} ${one.partition} ${one.key} ${one.received_at} ${decoder.decode(one.value)}`,
      );
    }
  }
}

const uninterrupted = (records: readonly LogRecord[]): Made => {
  const made: Made = { rows: [], results: [], change_bytes: 0 };
  const processor = newProcessor(0, configuration);
  for (const record of records) take(processor, record, made);
  return made;
};

/** Every record is processed by a processor that knows nothing but the last image and the changes since. */
function killedAfterEveryRecord(records: readonly LogRecord[]): Made {
  const made: Made = { rows: [], results: [], change_bytes: 0 };
  let image: Record<string, Uint8Array[]> = {};
  let changes: Record<string, Uint8Array>[] = [];
  let summary = newProcessor(0, configuration).summary();
  for (const [i, record] of records.entries()) {
    const processor = newProcessor(0, configuration);
    for (const name of processor.stateNames) {
      if (image[name]) processor.image(name, image[name]);
      for (const one of changes) if (one[name]?.length) processor.change(name, one[name]);
    }
    processor.resume(JSON.parse(JSON.stringify(summary)));
    take(processor, record, made);
    changes.push(processor.takeChanges());
    made.change_bytes += Object.values(changes.at(-1)!).reduce((sum, bytes) => sum + bytes.length, 0);
    summary = processor.summary();
    if (i % IMAGE_EVERY !== IMAGE_EVERY - 1) continue;
    image = Object.fromEntries(
      Object.entries(processor.takeImages()).map(([name, pieces]) => [name, [...pieces]]),
    );
    changes = [];
  }
  return made;
}

Deno.test(`killed after every record of ${EVENTS}, the processor gives the same rows and results, bit for bit`, async () => {
  const records = recordsOf(EVENTS);
  const whole = uninterrupted(records);
  // What looks at the wall clock gives itself away.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const killed = killedAfterEveryRecord(records);
  deepStrictEqual(killed.rows, whole.rows);
  deepStrictEqual(killed.results, whole.results);
  const of = (table: string) => whole.rows.filter((line) => line.startsWith(`${table} `)).length;
  for (
    const table of ["processed.transactions", "processed.dead_letters", "analytics.alerts", "raw.events"]
  ) {
    ok(of(table) > 0, `${table} has no rows`);
  }
  ok(whole.rows.some((line) => line.includes('"outcome":"duplicate"')));
  ok(killed.change_bytes < 2_000 * EVENTS, `${killed.change_bytes} bytes: a change is as large as the state`);
});

Deno.test("killed after every few checkpoints, the owner restores image and changes, and reads no more than since the last image", async () => {
  const folder = await quickFolder();
  const records = 100;
  {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await using store = await openDiskStore(`${folder}/store`);
    for (let i = 1; i <= records; i++) await append(log, i);
    const chain = new CheckpointChain(store, 0, () => Promise.resolve());
    for (let next = 0, life = 0; next < records; life++) {
      let left = 1 + (life % 4);
      const { context, caughtUp } = await watched(log, store, records);
      const enough = Promise.withResolvers<void>();
      const abort = new AbortController();
      const owner = ownPartition(0, {
        ...context,
        // Opening a segment weighs 256 KiB: an image every third checkpoint.
        image_floor_bytes: 600_000,
        events: {
          ...context.events,
          decided(checkpoint, cut_ms) {
            context.events.decided(checkpoint, cut_ms);
            if (--left === 0) enough.resolve();
          },
        },
      }, abort.signal);
      await Promise.race([enough.promise, caughtUp, owner]);
      abort.abort();
      await owner;
      const { checkpoint } = await chain.head();
      next = checkpoint!.next_offset;
      ok(
        checkpoint!.number - checkpoint!.state.after < 12,
        `nothing was imaged since ${checkpoint!.state.after}`,
      );
      if (next > records / 2) ok(checkpoint!.state.image !== null);
    }
  }
  const { rows } = await decided(folder);
  deepStrictEqual(
    rows,
    Array.from({ length: records }, (_, i) => ({
      log_offset: i,
      value: i + 1,
      sum: ((i + 1) * (i + 2)) / 2,
    })),
  );
  strictEqual(rows.length, records);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an owner turns while it restores, however long that takes", async () => {
  const folder = await quickFolder();
  const records = 100;
  {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await using store = await openDiskStore(`${folder}/store`);
    for (let i = 1; i <= records; i++) await append(log, i);
    const { context, caughtUp } = await watched(log, store, records);
    const abort = new AbortController();
    const first = ownPartition(0, context, abort.signal);
    await caughtUp;
    abort.abort();
    await first;
    let now = 0;
    const read = store.read.bind(store);
    store.read = async (...args) => {
      const bytes = await read(...args);
      if (args[0].startsWith("segments/")) now += 10_000;
      return bytes;
    };
    const watchdog = new Watchdog();
    const stood: number[] = [];
    const turned = () => {
      if (watchdog.still(now).length > 0) stood.push(now);
      watchdog.turned(0, now);
    };
    const again = new AbortController();
    const newProcessor = (partition: number) => {
      const processor = context.newProcessor(partition);
      const resume = processor.resume.bind(processor);
      processor.resume = (summary) => {
        again.abort();
        resume(summary);
      };
      return processor;
    };
    const clock = { ...context.clock, now: () => now };
    const events = { ...context.events, turned };
    await ownPartition(0, { ...context, newProcessor, clock, events }, again.signal);
    turned();
    ok(now > 300_000, `${now} ms`);
    deepStrictEqual(stood, []);
  }
  await Deno.remove(folder, { recursive: true });
});
