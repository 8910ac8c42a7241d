import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Clock } from "../../lib/clock.ts";
import { Fault } from "../../lib/errors.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import type { Label } from "../../lib/generator/generated.ts";
import { Generator } from "../../lib/generator/generator.ts";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";
import { demoRecord } from "../../lib/generator/on_log.ts";
import { TokenBucket } from "../../lib/generator/pacing.ts";
import { produceLive, type ProduceParts, produceSpan } from "../../lib/generator/produce.ts";
import { Random } from "../../lib/generator/random.ts";
import { eventsPerSecond, lastBurstEnd, spreadTime } from "../../lib/generator/spread.ts";
import type { NewRecord } from "../../lib/log/log.ts";
import { partitionOf } from "../../lib/log/topics.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { splitIngest } from "../../lib/source/ingest.ts";
import { createSources } from "../../lib/source/sources.ts";
import { BEGIN_MS, told } from "./generated_events.ts";

const to = { partitions: 4, kinds: kindsOf(), sources: createSources() };

class StepClock implements Clock {
  time_ms = BEGIN_MS;
  now = () => this.time_ms;
  sleep = async (ms: number, signal?: AbortSignal) => {
    await Promise.resolve();
    signal?.throwIfAborted();
    this.time_ms += ms;
  };
}

Deno.test("demoRecord keys and places a record as the door would", () => {
  for (const event of told({ count: 3000, file: "malformed_share: 0.1\n" })) {
    const record = demoRecord(event, to, 5);
    const kind = to.kinds.get(event.kind)!;
    const split = splitIngest(event.value, { format: "ndjson", kind, max_events: 10 });
    if (!split.ok || split.records.length !== 1) throw new Error("one record");
    strictEqual(record.key, split.records[0].partition_key);
    strictEqual(record.partition, partitionOf(split.records[0].partition_key, 4));
    deepStrictEqual(record.headers, { source: "demo", kind: event.kind, content_type: "application/json" });
  }
});

Deno.test("spreadTime goes through the span and never back", () => {
  const span = { count: 1000, from_ms: 1000, to_ms: 501_000 };
  const random = new Random(1);
  const times = Array.from({ length: span.count }, (_, i) => spreadTime(span, i, random));
  deepStrictEqual(times, times.toSorted((a, b) => a - b));
  ok(times[0] >= 1000 && times[0] < 1500 && times[999] >= 500_500 && times[999] < 501_000);
  strictEqual(eventsPerSecond(span), 2);
  ok(lastBurstEnd(span) < span.to_ms);
});

interface Produced {
  parts: ProduceParts;
  records: NewRecord[];
  labels: Label[];
}

/** A producer whose log keeps what it is given; `fails` times it does not answer. */
function producing(clock: StepClock, onBatch: (size: number) => void, fails = 0): Produced {
  const records: NewRecord[] = [];
  const labels: Label[] = [];
  const log: Pick<ProduceParts["log"], "append"> = {
    append(_topic, batch) {
      if (fails-- > 0) {
        return Promise.reject(new Fault("away", "away", { blame: "dependency", retry: "after_backoff" }));
      }
      records.push(...batch);
      return Promise.resolve(batch.map(() => -1));
    },
  };
  const config = readGeneratorFile("");
  const parts = {
    generator: new Generator({ seed: 1, config, events_per_second: 50 }),
    log,
    to,
    clock,
    bucket: new TokenBucket(clock, 50),
    onAppended(batch: readonly NewRecord[], given: readonly Label[]) {
      labels.push(...given);
      onBatch(batch.length);
    },
  };
  return { parts, records, labels };
}

Deno.test("produceLive appends events of now until it is stopped", async () => {
  const clock = new StepClock();
  const stop = new AbortController();
  const { parts, records } = producing(clock, () => {
    if (clock.time_ms > BEGIN_MS + 60_000) stop.abort(new Error("stop"));
  });
  await produceLive(parts, stop.signal);
  ok(records.length > 2900 && records.length < 3100, `${records.length}`);
  ok(records.every(({ received_at }) => received_at >= BEGIN_MS && received_at <= clock.time_ms));
});

Deno.test("produceLive tries a batch again while the log is away, and loses none", async () => {
  const clock = new StepClock();
  const stop = new AbortController();
  const whole = producing(clock, () => clock.time_ms > BEGIN_MS + 30_000 && stop.abort(new Error("stop")), 5);
  await produceLive(whole.parts, stop.signal);
  const ids = whole.records.map(({ value }) => new TextDecoder().decode(value));
  ok(ids.length > 500);
  const other = new Generator({ seed: 1, config: readGeneratorFile(""), events_per_second: 50 });
  strictEqual(ids[0].slice(0, 30), new TextDecoder().decode(other.next(BEGIN_MS).value).slice(0, 30));
});

Deno.test("produceSpan puts all events of a span onto the real log, the same each time", async () => {
  const run = async () => {
    const directory = await Deno.makeTempDir();
    await using log = await openSqliteLog({ directory, partitions: 4 });
    const span = { count: 3000, from_ms: BEGIN_MS, to_ms: BEGIN_MS + 86_400_000 };
    const { parts, labels } = producing(new StepClock(), () => undefined);
    const never = new AbortController().signal;
    const bucket = new TokenBucket(parts.clock, 50_000);
    await produceSpan({ ...parts, log, bucket }, { span, random: new Random(1) }, never);
    const limits = { max_records: 10_000, max_bytes: 100_000_000, wait_ms: 0 };
    const read = [];
    for (let p = 0; p < 4; p++) read.push(...await log.read("events", p, 0, limits));
    await Deno.remove(directory, { recursive: true });
    return { bodies: read.map(({ value }) => new TextDecoder().decode(value!)), labels };
  };
  const first = await run();
  strictEqual(first.bodies.length, 3000);
  deepStrictEqual(await run(), first);
});
