/** One row a commit: every partition reads its own, whatever is trimmed, and a file of the format before is carried over. */
import { deepEqual, equal } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { BatchTable } from "../../lib/log/batch_table.ts";
import type { Frame } from "../../lib/log/commit_row.ts";
import { decodeBatch, encodeBatch } from "../../lib/log/record_batch.ts";

const PARTITIONS = 3;

async function withFile(use: (path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    use(`${folder}/events.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** So many records of a partition, each of which says its own offset. */
function frame(partition: number, count: number, base: number, { newest_ms = 0, padding = 0 } = {}): Frame {
  const records = Array.from({ length: count }, (_, i) => ({
    key: `${partition}/${base + i}`,
    value: new Uint8Array(padding),
    headers: {},
    received_at: newest_ms,
  }));
  return { partition, count, newest_ms, bytes: encodeBatch(records) };
}

/** What a reader from `from` on is given. */
function keysFrom(table: BatchTable, partition: number, from: number): string[] {
  const keys: string[] = [];
  table.eachFrom(partition, from, ({ base_offset, bytes }) => {
    for (const { offset, key } of decodeBatch(bytes, partition, base_offset)) {
      if (offset >= from) keys.push(key!);
    }
    return true;
  });
  return keys;
}

function expected(partition: number, from: number, end: number): string[] {
  return Array.from({ length: Math.max(0, end - from) }, (_, i) => `${partition}/${from + i}`);
}

const partition = fc.nat(PARTITIONS - 1);
const step = fc.oneof(
  fc.record({
    is: fc.constant("append" as const),
    frames: fc.array(fc.record({ partition, count: fc.integer({ min: 1, max: 4 }), isLarge: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    }),
  }),
  fc.record({ is: fc.constant("trim" as const), partition, before: fc.nat(40) }),
  fc.record({ is: fc.constant("read" as const), partition, ahead: fc.nat(20) }),
);

Deno.test("each partition reads what was appended to it, from wherever it may", async () => {
  const run = (steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[], path: string) => {
    using writer = new BatchTable(path, PARTITIONS);
    using reader = new BatchTable(path, PARTITIONS);
    const ends = [0, 0, 0];
    const begins = [0, 0, 0];
    for (const one of steps) {
      if (one.is === "append") {
        const wanted: number[] = [];
        const frames = one.frames.map(({ partition, count, isLarge }) => {
          wanted.push(ends[partition]);
          ends[partition] += count;
          return frame(partition, count, wanted.at(-1)!, { padding: isLarge ? 40_000 : 0 });
        });
        deepEqual(writer.append(frames), wanted);
      } else if (one.is === "trim") {
        while (writer.trim(one.partition, one.before));
        const begin = Math.min(one.before, ends[one.partition]);
        begins[one.partition] = Math.max(begins[one.partition], begin);
      } else {
        const from = Math.min(begins[one.partition] + one.ahead, ends[one.partition]);
        deepEqual(keysFrom(reader, one.partition, from), expected(one.partition, from, ends[one.partition]));
      }
    }
    for (const [one, end] of ends.entries()) {
      deepEqual(reader.bounds(one), { begin: begins[one], end });
      deepEqual(keysFrom(reader, one, begins[one]), expected(one, begins[one], end));
    }
    equal(reader.held()!.records, ends.reduce((sum, end, one) => sum + end - begins[one], 0));
  };
  const folder = await Deno.makeTempDir();
  let turn = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => run(steps, `${folder}/${turn++}.db`)),
    { numRuns: 60 },
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a commit of several partitions is one row, and what is large has a row of its own", () =>
  withFile((path) => {
    using table = new BatchTable(path, PARTITIONS);
    using file = new DatabaseSync(path);
    const rows = () => Number(file.prepare("SELECT count(*) AS rows FROM commits").get()?.rows);
    table.append([frame(2, 1, 0), frame(0, 2, 0), frame(1, 1, 0)]);
    equal(rows(), 1);
    table.append([frame(0, 1, 2, { padding: 70_000 }), frame(1, 1, 1, { padding: 70_000 })]);
    equal(rows(), 3);
    for (const [one, end] of [3, 2, 1].entries()) deepEqual(keysFrom(table, one, 0), expected(one, 0, end));
  }));

Deno.test("a row goes when nobody needs it, and of the newest, which tells the ends, nothing but that stays", () =>
  withFile((path) => {
    using table = new BatchTable(path, PARTITIONS);
    for (let i = 0; i < 4; i++) table.append([frame(0, 1, i), frame(1, 1, i)]);
    table.trim(0, 4);
    deepEqual([table.bounds(0), table.held()?.records], [{ begin: 4, end: 4 }, 4]);
    deepEqual(keysFrom(table, 1, 0), expected(1, 0, 4));
    table.trim(1, 4);
    deepEqual(table.held(), { records: 0, bytes: 0 });
    deepEqual(table.append([frame(0, 1, 4), frame(1, 1, 4), frame(2, 1, 0)]), [4, 4, 0]);
    deepEqual(keysFrom(table, 0, 4), expected(0, 4, 5));
  }));

Deno.test("offsetAt finds a time among the commits of all partitions, also when a clock went back", () =>
  withFile((path) => {
    using table = new BatchTable(path, PARTITIONS);
    for (const [i, newest_ms] of [1000, 5000, 2000, 6000].entries()) {
      table.append([frame(0, 1, i, { newest_ms })]);
    }
    table.append([frame(1, 1, 0, { newest_ms: 7000 })]);
    const found = { 0: 0, 1000: 0, 1001: 1, 3000: 1, 5000: 1, 5001: 3, 6001: 4, 7001: 4 };
    for (const [time, offset] of Object.entries(found)) equal(table.offsetAt(0, Number(time)), offset, time);
    deepEqual([0, 6000, 7001].map((time) => table.offsetAt(1, time)), [0, 0, 1]);
    table.trim(0, 2);
    equal(table.offsetAt(0, 0), 2);
  }));

function oldFile(path: string): DatabaseSync {
  const old = new DatabaseSync(path);
  old.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER, id TEXT, partitions INTEGER);
    CREATE TABLE partitions (partition INTEGER PRIMARY KEY, end_offset INTEGER NOT NULL);
    CREATE TABLE batches (partition INTEGER NOT NULL, base_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL,
      newest_ms INTEGER NOT NULL, bytes BLOB NOT NULL);
    CREATE UNIQUE INDEX by_offset ON batches (partition, next_offset, base_offset, newest_ms);
    INSERT INTO meta VALUES (1, 1, 'the log', 3);
    INSERT INTO partitions VALUES (0, 9), (1, 5), (2, 0)`);
  return old;
}

Deno.test("a file of the format before of which all was trimmed goes on with higher offsets", () =>
  withFile((path) => {
    oldFile(path).close();
    using table = new BatchTable(path, PARTITIONS);
    deepEqual([table.bounds(0), table.held()], [{ begin: 9, end: 9 }, { records: 0, bytes: 0 }]);
    deepEqual(table.append([frame(0, 1, 9), frame(2, 1, 0)]), [9, 0]);
  }));

Deno.test("a file of the format before is carried over: offsets, what was trimmed, and who it is", () =>
  withFile((path) => {
    using old = oldFile(path);
    const insert = old.prepare("INSERT INTO batches VALUES (?, ?, ?, ?, ?)");
    for (const [base, count] of [[4, 3], [7, 2]]) {
      insert.run(0, base, base + count, base * 1000, frame(0, count, base).bytes);
    }
    // Two that open it at once: one carries it over, the other finds that done.
    using table = new BatchTable(path, 8);
    using other = new BatchTable(path, 8);
    deepEqual([table.identity, other.identity], Array(2).fill({ id: "the log", partitions: 3 }));
    deepEqual([0, 1, 2].map((one) => table.bounds(one)), [
      { begin: 4, end: 9 },
      { begin: 5, end: 5 },
      { begin: 0, end: 0 },
    ]);
    deepEqual(keysFrom(other, 0, 5), expected(0, 5, 9));
    equal(table.offsetAt(0, 4001), 7);
    deepEqual(table.append([frame(0, 1, 9), frame(1, 1, 5), frame(2, 1, 0)]), [9, 5, 0]);
    deepEqual(keysFrom(table, 0, 4), expected(0, 4, 10));
    deepEqual(keysFrom(table, 1, 5), expected(1, 5, 6));
  }));
