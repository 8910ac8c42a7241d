/** What every adapter of the port lib/log/log.ts promises: one suite for the embedded log and for a real broker. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import type { EventLog, LogRecord, NewRecord, ReadLimits, Topic } from "../../lib/log/log.ts";
import { TOPICS } from "../../lib/log/topics.ts";

/** A log of a test's own, that nobody else writes to. */
export interface LogUnderTest extends AsyncDisposable {
  /** Opens the log; opened again, also beside the first, it is the same log. */
  open(): Promise<EventLog>;
  partitions: number;
  /** A record of this many bytes in all can never be stored. */
  too_large_bytes: number;
  /** Makes the log drop, for certain, what is before `offset`; it may keep a little more. */
  drop(log: EventLog, topic: Topic, partition: number, offset: number): Promise<void>;
}

type Open = () => Promise<LogUnderTest>;
type Body = (log: EventLog, under: LogUnderTest) => Promise<void>;

const MIB = 1024 * 1024;
/** A read ends as soon as something came. */
const WHOLE: ReadLimits = { max_records: 10_000, max_bytes: 64 * MIB, wait_ms: 300_000 };
const AT_ONCE: ReadLimits = { ...WHOLE, wait_ms: 0 };
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function record(text: string, partition = 0, more: Partial<NewRecord> = {}): NewRecord {
  return {
    partition,
    key: `key-${text}`,
    value: encoder.encode(text),
    headers: { source: "test" },
    received_at: 1_700_000_000_123,
    ...more,
  };
}

export function textOf(one: LogRecord): string {
  return decoder.decode(one.value ?? new Uint8Array());
}

/** Reads on from `from` until `count` records are there, however the log splits them. */
export async function readAll(
  log: EventLog,
  topic: Topic,
  partition: number,
  count: number,
  from = 0,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  while (records.length < count) {
    const more = await log.read(topic, partition, from, WHOLE);
    assert.notEqual(more.length, 0, `only ${records.length} of ${count} records came`);
    records.push(...more);
    from = more.at(-1)!.offset + 1;
  }
  return records;
}

/** All that can be read now. */
export async function readToEnd(log: EventLog, topic: Topic, partition: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  let { begin: from, end } = await log.bounds(topic, partition);
  while (from < end) {
    const more = await log.read(topic, partition, from, AT_ONCE);
    records.push(...more);
    from = more.length === 0 ? end : more.at(-1)!.offset + 1;
  }
  return records;
}

/** Registers the suite under `name`; `open` makes a new, empty log for each test. */
export function logContract(name: string, open: Open, options: { sanitize: boolean } = { sanitize: true }) {
  const test = (promise: string, body: Body) =>
    Deno.test({
      name: `${name}: ${promise}`,
      sanitizeOps: options.sanitize,
      sanitizeResources: options.sanitize,
      async fn() {
        await using under = await open();
        await using log = await under.open();
        await body(log, under);
      },
    });
  orderAndDurability(test);
  contents(test);
  reading(test);
  dropping(test);
  concurrency(test);
}

type Register = (promise: string, body: Body) => void;

function orderAndDurability(test: Register): void {
  test("append keeps order within a partition and tells ascending offsets", async (log) => {
    const told = [
      ...await log.append("events", [record("a"), record("b")]),
      ...await log.append("events", [record("c")]),
    ];
    const read = await readAll(log, "events", 0, 3);
    assert.deepEqual(read.map(textOf), ["a", "b", "c"]);
    assertAscending(read);
    told.forEach((offset, i) => assert.ok(offset === -1 || offset === read[i].offset));
  });

  test("append spreads one call over partitions, each in order", async (log, { partitions }) => {
    const records = Array.from({ length: partitions * 5 }, (_, i) => record(`r${i}`, i % partitions));
    const told = await log.append("events", records);
    assert.equal(told.length, records.length);
    for (let partition = 0; partition < partitions; partition++) {
      const read = await readAll(log, "events", partition, 5);
      assert.ok(read.every((one) => one.partition === partition));
      const mine = records.filter((one) => one.partition === partition);
      assert.deepEqual(read.map(textOf), mine.map((one) => decoder.decode(one.value)));
      read.forEach((one, i) => {
        const offset = told[partition + i * partitions];
        assert.ok(offset === -1 || offset === one.offset);
      });
    }
  });

  test("append of nothing is nothing", async (log) => {
    assert.deepEqual(await log.append("events", []), []);
    assert.deepEqual(await log.read("events", 0, 0, AT_ONCE), []);
  });

  test("append refuses a partition that the log has not, and stores nothing", async (log, { partitions }) => {
    await assert.rejects(log.append("events", [record("a"), record("b", partitions)]), RangeError);
    assert.deepEqual(await log.read("events", 0, 0, AT_ONCE), []);
  });

  test("records are there after the log was opened again, and new ones follow them", async (log, under) => {
    await log.append("events", [record("a"), record("b")]);
    const before = await readAll(log, "events", 0, 2);
    await log[Symbol.asyncDispose]();
    await using again = await under.open();
    await again.append("events", [record("c")]);
    const after = await readAll(again, "events", 0, 3);
    assert.deepEqual(after.slice(0, 2), before);
    assert.equal(textOf(after[2]), "c");
    assertAscending(after);
  });

  test("identity stays the same over opening again and differs between topics", async (log, under) => {
    const first = await log.identity("events");
    assert.equal(first.partitions, under.partitions);
    await using again = await under.open();
    assert.deepEqual(await again.identity("events"), first);
    const ids = await Promise.all(TOPICS.map(async (topic) => (await log.identity(topic)).id));
    assert.equal(new Set(ids).size, TOPICS.length);
  });

  test("topics are apart from each other", async (log) => {
    for (const topic of TOPICS) await log.append(topic, [record(topic)]);
    for (const topic of TOPICS) {
      assert.deepEqual((await readAll(log, topic, 0, 1)).map(textOf), [topic]);
      assert.deepEqual(await log.read(topic, 1, 0, AT_ONCE), []);
    }
  });
}

function contents(test: Register): void {
  test("a record keeps its key, value, headers and log time", async (log) => {
    const wanted = record("x", 1, {
      key: "Zoë 日本 🦀",
      value: new Uint8Array([0, 255, 128, 10, 13]),
      headers: { source: "stripe", kind: "transaction", "x-ünï": "日本 🦀", empty: "" },
      received_at: 1_766_000_000_001,
    });
    await log.append("events", [wanted]);
    const [{ offset: _, ...read }] = await readAll(log, "events", 1, 1);
    assert.deepEqual({ ...read, headers: { ...read.headers }, value: new Uint8Array(read.value!) }, wanted);
  });

  test("an absent key and an empty key, an empty value and no headers stay what they are", async (log) => {
    await log.append("events", [
      record("a", 0, { key: null }),
      record("b", 0, { key: "" }),
      record("c", 0, { value: new Uint8Array(), headers: {} }),
    ]);
    const [a, b, c] = await readAll(log, "events", 0, 3);
    assert.equal(a.key, null);
    assert.equal(b.key, "");
    assert.deepEqual([c.value?.length, { ...c.headers }], [0, {}]);
  });

  test("a value of 5 MB goes in and out unchanged", async (log) => {
    const value = new Uint8Array(5 * MIB).map((_, i) => (i * 31 + (i >> 8)) & 255);
    await log.append("events", [record("big", 0, { value }), record("small")]);
    const [big, small] = await readAll(log, "events", 0, 2);
    assert.equal(Buffer.compare(big.value!, value), 0);
    assert.equal(textOf(small), "small");
  });

  test("a record too large is the sender's fault, and its neighbours can be appended", async (log, under) => {
    const value = new Uint8Array(under.too_large_bytes);
    await assert.rejects(
      log.append("events", [record("a"), record("huge", 0, { value })]),
      (error) => error instanceof Fault && error.blame === "sender" && error.retry === "never",
    );
    await log.append("events", [record("b")]);
    // Whether "a" was stored is open; nothing after the refusal may be missing.
    const read = await readToEnd(log, "events", 0);
    assert.equal(textOf(read.at(-1)!), "b");
    assert.ok(read.length <= 2);
  });
}

function reading(test: Register): void {
  test("bounds of an empty partition meet; then end is beyond every record", async (log) => {
    const empty = await log.bounds("events", 0);
    assert.equal(empty.begin, empty.end);
    await log.append("events", [record("a"), record("b")]);
    const { begin, end } = await log.bounds("events", 0);
    const read = await readAll(log, "events", 0, 2);
    assert.ok(begin <= read[0].offset && end > read[1].offset);
    const untouched = await log.bounds("events", 1);
    assert.equal(untouched.begin, untouched.end);
  });

  test("read begins at `from`, in the middle of what was appended together too", async (log) => {
    await log.append("events", Array.from({ length: 10 }, (_, i) => record(`r${i}`)));
    const all = await readAll(log, "events", 0, 10);
    for (const at of [0, 1, 5, 9]) {
      const rest = await readAll(log, "events", 0, 10 - at, all[at].offset);
      assert.deepEqual(rest.map(textOf), all.slice(at).map(textOf));
    }
  });

  test("read keeps to max_records and max_bytes, but gives one record at least", async (log) => {
    await log.append("events", Array.from({ length: 10 }, (_, i) => record(`r${i}`)));
    await log.append(
      "events",
      Array.from({ length: 10 }, (_, i) => record(`s${i}`, 0, { value: new Uint8Array(1000) })),
    );
    const all = await readAll(log, "events", 0, 20);
    const three = await log.read("events", 0, all[0].offset, { ...WHOLE, max_records: 3 });
    assert.ok(three.length >= 1 && three.length <= 3);
    const few = await log.read("events", 0, all[10].offset, { ...WHOLE, max_bytes: 3500 });
    assert.ok(few.length >= 1 && few.length <= 3, `${few.length} records`);
    const one = await log.read("events", 0, all[10].offset, { ...WHOLE, max_bytes: 10 });
    assert.deepEqual(one.map((r) => r.offset), [all[10].offset]);
  });

  test("read answers with nothing when none came in time", async (log) => {
    assert.deepEqual(await log.read("events", 0, 0, { ...WHOLE, wait_ms: 30 }), []);
    await log.append("events", [record("a")]);
    const [a] = await readAll(log, "events", 0, 1);
    assert.deepEqual(await log.read("events", 0, a.offset + 1, { ...WHOLE, wait_ms: 30 }), []);
  });

  test("a waiting read is woken by an append, through another opening too", async (log, under) => {
    await using other = await under.open();
    const here = log.read("events", 0, 0, WHOLE);
    const there = other.read("events", 0, 0, WHOLE);
    await log.append("events", [record("a")]);
    assert.deepEqual((await here).map(textOf), ["a"]);
    assert.deepEqual((await there).map(textOf), ["a"]);
  });

  test("a waiting read hears only of its own partition and topic", async (log) => {
    const waiting = log.read("events", 0, 0, WHOLE);
    await log.append("alerts", [record("alert")]);
    await log.append("events", [record("other", 1)]);
    await log.append("events", [record("mine")]);
    assert.deepEqual((await waiting).map(textOf), ["mine"]);
  });

  test("a waiting read ends with the signal's reason, at once when it was aborted before", async (log) => {
    const control = new AbortController();
    const reason = new Error("enough");
    const waiting = log.read("events", 0, 0, WHOLE, control.signal);
    setTimeout(() => control.abort(reason), 20);
    await assert.rejects(waiting, reason);
    await log.append("events", [record("a")]);
    await assert.rejects(log.read("events", 0, 0, WHOLE, control.signal), reason);
    assert.equal((await readAll(log, "events", 0, 1)).length, 1);
  });

  test("read refuses to start beyond the end of the log", async (log) => {
    await log.append("events", [record("a")]);
    const { end } = await log.bounds("events", 0);
    await assert.rejects(
      log.read("events", 0, end + 100, WHOLE),
      (error) => error instanceof Fault && error.code === "log_behind" && error.retry === "never",
    );
  });
}

function dropping(test: Register): void {
  test("read of what was dropped is Fault log_truncated, never a silent jump", async (log, under) => {
    for (let i = 0; i < 4; i++) await log.append("events", [record(`r${i}`), record(`R${i}`)]);
    const all = await readAll(log, "events", 0, 8);
    await under.drop(log, "events", 0, all[4].offset);
    const { begin, end } = await log.bounds("events", 0);
    assert.ok(begin > all[0].offset && begin <= all[4].offset);
    await assert.rejects(
      log.read("events", 0, all[0].offset, WHOLE),
      (error) => error instanceof Fault && error.code === "log_truncated" && error.retry === "never",
    );
    const kept = await readAll(log, "events", 0, 4, all[4].offset);
    assert.deepEqual(kept.map(textOf), ["r2", "R2", "r3", "R3"]);
    assert.ok(end > all[7].offset);
  });

  test("a log of which all was dropped goes on with higher offsets", async (log, under) => {
    await log.append("events", [record("a"), record("b")]);
    const { end } = await log.bounds("events", 0);
    await under.drop(log, "events", 0, end);
    assert.deepEqual(await log.bounds("events", 0), { begin: end, end });
    assert.deepEqual(await log.read("events", 0, end, { ...WHOLE, wait_ms: 10 }), []);
    await log.append("events", [record("c")]);
    const [c] = await readAll(log, "events", 0, 1, end);
    assert.ok(c.offset >= end);
  });

  test("trim loses nothing from the given offset on, and repeated or lower trims are harmless", async (log) => {
    for (let i = 0; i < 3; i++) await log.append("events", [record(`r${i}`), record(`R${i}`)]);
    const all = await readAll(log, "events", 0, 6);
    for (const at of [3, 3, 1, 0]) await log.trim("events", 0, all[at].offset);
    const kept = await readAll(log, "events", 0, 3, all[3].offset);
    assert.deepEqual(kept.map(textOf), ["R1", "r2", "R2"]);
  });
}

function concurrency(test: Register): void {
  test("appends called one after the other keep that order without awaiting", async (log) => {
    const calls = Array.from({ length: 200 }, (_, i) => log.append("events", [record(`r${i}`)]));
    const told = (await Promise.all(calls)).flat();
    const read = await readAll(log, "events", 0, 200);
    assert.deepEqual(read.map(textOf), Array.from({ length: 200 }, (_, i) => `r${i}`));
    told.forEach((offset, i) => assert.ok(offset === -1 || offset === read[i].offset));
  });

  test("two openings append at once: nothing is lost, doubled, or put out of order", async (log, under) => {
    await using other = await under.open();
    await Promise.all([log, other].map(async (one, who) => {
      for (let i = 0; i < 50; i++) {
        await Promise.all([
          one.append("events", [record(`${who}:${i}`)]),
          one.append("events", [record(`${who}:${i}`, 1)]),
        ]);
      }
    }));
    for (const partition of [0, 1]) {
      const read = await readAll(log, "events", partition, 100);
      assertAscending(read);
      for (const who of ["0", "1"]) {
        const mine = read.map(textOf).filter((text) => text.startsWith(`${who}:`));
        assert.deepEqual(mine, Array.from({ length: 50 }, (_, i) => `${who}:${i}`));
      }
    }
  });
}

function assertAscending(records: readonly LogRecord[]): void {
  for (let i = 1; i < records.length; i++) assert.ok(records[i].offset > records[i - 1].offset);
}
