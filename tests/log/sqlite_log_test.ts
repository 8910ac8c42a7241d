/** The embedded log under the contract of its port, and what only a file can suffer. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Fault } from "../../lib/errors.ts";
import type { EventLog } from "../../lib/log/log.ts";
import { nextOffset } from "../../lib/log/commit_row.ts";
import { openSqliteLog, topicFile } from "../../lib/log/sqlite_log.ts";
import { logContract, readAll, readToEnd, record, textOf } from "../contracts/log_contract.ts";

logContract("sqlite_log", async () => {
  const directory = await Deno.makeTempDir();
  return {
    open: () => openSqliteLog({ directory, partitions: 3 }),
    partitions: 3,
    too_large_bytes: 9 * 1024 * 1024,
    drop: (log, topic, partition, offset) => log.trim(topic, partition, offset),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
});

const CHILD = new URL("appending_process.ts", import.meta.url).pathname;
const LIMITS = { max_records: 1000, max_bytes: 1_000_000, wait_ms: 0 };

async function withFolder(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function appending(directory: string, name: string, count: number, padding = 0): Deno.Command {
  const args = ["run", "-A", "--no-check", CHILD, directory, name, String(count), String(padding)];
  return new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" });
}

async function everything(log: EventLog): Promise<string[]> {
  const both = await Promise.all([0, 1].map((partition) => readToEnd(log, "events", partition)));
  return both.flat().map((one) => textOf(one).trimEnd());
}

function isFault(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Fault && error.code === code;
}

Deno.test("sqlite_log takes appends of several processes that open a new log at once", () =>
  withFolder(async (directory) => {
    const names = ["a", "b", "c"];
    const outputs = await Promise.all(names.map((name) => appending(directory, name, 100).output()));
    assert.ok(outputs.every((output) => output.success));
    await using log = await openSqliteLog({ directory, partitions: 2 });
    const { id } = await log.identity("events");
    const seen = outputs.map((output) => new TextDecoder().decode(output.stdout).split("\n")[0]);
    assert.deepEqual(seen, names.map(() => id));
    const wanted = names.flatMap((name) => Array.from({ length: 100 }, (_, i) => `${name}:${i}`));
    assert.deepEqual((await everything(log)).sort(), wanted.sort());
  }));

Deno.test("sqlite_log has what was acknowledged to a process that was killed", () =>
  withFolder(async (directory) => {
    const child = appending(directory, "k", 1_000_000).spawn();
    let acknowledged = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      const enough = acknowledged.length > 2000;
      acknowledged += chunk;
      if (!enough && acknowledged.length > 2000) child.kill("SIGKILL");
    }
    await child.status;
    await using log = await openSqliteLog({ directory, partitions: 2 });
    const stored = new Set(await everything(log));
    const missing = acknowledged.split("\n").slice(1, -1).filter((one) => !stored.has(one));
    assert.deepEqual(missing, []);
    await log.append("events", [record("after")]);
    assert.ok((await everything(log)).includes("after"));
  }));

Deno.test({
  name: "sqlite_log answers a disk without room with a Fault and keeps what it acknowledged",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (directory) => {
      // The limit of file sizes (in KiB) stands in for the disk: writes beyond it fail.
      const { args } = { args: [directory, "full", "1000000", "20000"] };
      const script = 'trap "" XFSZ; ulimit -f 3000; exec "$0" run -A --no-check "$@"';
      const shell = new Deno.Command("bash", {
        args: ["-c", script, Deno.execPath(), CHILD, ...args],
        stdout: "piped",
      });
      const lines = new TextDecoder().decode((await shell.output()).stdout).trim().split("\n");
      assert.match(lines.at(-1)!, /^fault log_unavailable dependency after_backoff$/);
      assert.ok(lines.length > 10);
      await using log = await openSqliteLog({ directory, partitions: 2 });
      const stored = new Set(await everything(log));
      assert.deepEqual(lines.slice(1, -1).filter((one) => !stored.has(one)), []);
      await log.append("events", [record("after")]);
    }),
});

Deno.test("sqlite_log sees a damaged batch, and still reads those before it", () =>
  withFolder(async (directory) => {
    await using log = await openSqliteLog({ directory, partitions: 1 });
    for (const text of ["a", "b", "c"]) await log.append("events", [record(text)]);
    using file = new DatabaseSync(topicFile(directory, "events"));
    file.exec(`UPDATE commits SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || 'X' AS BLOB)
      WHERE number = 2`);
    await assert.rejects(log.read("events", 0, 1, LIMITS), isFault("log_damaged"));
    assert.deepEqual((await log.read("events", 0, 0, { ...LIMITS, max_records: 1 })).map(textOf), ["a"]);
    assert.deepEqual((await log.read("events", 0, 2, LIMITS)).map(textOf), ["c"]);
  }));

Deno.test("sqlite_log refuses a file that is no log, or of a format that it does not know", () =>
  withFolder(async (directory) => {
    await Deno.writeTextFile(topicFile(directory, "events"), "not a database at all\n".repeat(1000));
    await using log = await openSqliteLog({ directory, partitions: 1 });
    await assert.rejects(log.append("events", [record("a")]), isFault("log_damaged"));
    await log.append("alerts", [record("a")]);
    using file = new DatabaseSync(topicFile(directory, "alerts"));
    file.exec("UPDATE meta SET format = 3");
    await using again = await openSqliteLog({ directory, partitions: 1 });
    await assert.rejects(again.identity("alerts"), isFault("unknown_format"));
  }));

Deno.test("sqlite_log keeps the number of partitions it was made with, and a new file is another log", () =>
  withFolder(async (directory) => {
    await using log = await openSqliteLog({ directory, partitions: 2 });
    const first = await log.identity("events");
    await using more = await openSqliteLog({ directory, partitions: 8 });
    assert.deepEqual(await more.identity("events"), first);
    await assert.rejects(more.append("events", [record("a", 2)]), RangeError);
    await withFolder(async (elsewhere) => {
      await using other = await openSqliteLog({ directory: elsewhere, partitions: 2 });
      assert.notEqual((await other.identity("events")).id, first.id);
    });
  }));

Deno.test("sqlite_log waits for a neighbour that holds the file, and keeps the order of calls", () =>
  withFolder(async (directory) => {
    await using log = await openSqliteLog({ directory, partitions: 1 });
    await log.append("events", [record("first")]);
    using neighbour = new DatabaseSync(topicFile(directory, "events"));
    neighbour.exec("BEGIN IMMEDIATE");
    const waiting = [log.append("events", [record("a")]), log.append("events", [record("b")])];
    assert.deepEqual((await log.read("events", 0, 0, LIMITS)).map(textOf), ["first"]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    neighbour.exec("COMMIT");
    await Promise.all(waiting);
    assert.deepEqual((await readAll(log, "events", 0, 3)).map(textOf), ["first", "a", "b"]);
  }));

Deno.test("sqlite_log answers appends that wait before it closes", () =>
  withFolder(async (directory) => {
    const log = await openSqliteLog({ directory, partitions: 1 });
    await log.append("events", [record("first")]);
    using neighbour = new DatabaseSync(topicFile(directory, "events"));
    neighbour.exec("BEGIN IMMEDIATE");
    const waiting = log.append("events", [record("a")]);
    setTimeout(() => neighbour.exec("COMMIT"), 20);
    await log[Symbol.asyncDispose]();
    assert.deepEqual(await waiting, [1]);
    await assert.rejects(log.append("events", [record("b")]), TypeError);
  }));

Deno.test("sqlite_log leaves nothing of a commit that failed in the middle, and goes on", () =>
  withFolder(async (directory) => {
    await using log = await openSqliteLog({ directory, partitions: 2 });
    await log.append("events", [record("a"), record("a", 1)]);
    using file = new DatabaseSync(topicFile(directory, "events"));
    file.exec(`CREATE TRIGGER refuse BEFORE INSERT ON commits WHEN NEW.number = 3
      BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    const large = record("b", 1, { value: new Uint8Array(100_000) });
    await assert.rejects(
      log.append("events", [record("b"), large]),
      (error) =>
        error instanceof Fault && error.code === "log_unavailable" && error.retry === "after_backoff",
    );
    file.exec("DROP TRIGGER refuse");
    assert.deepEqual(await log.append("events", [record("c"), record("c", 1)]), [1, 1]);
    assert.deepEqual(await everything(log), ["a", "c", "a", "c"]);
  }));

Deno.test("sqlite_log splits what is large into batches that can be read one by one", () =>
  withFolder(async (directory) => {
    await using log = await openSqliteLog({ directory, partitions: 1 });
    const records = Array.from(
      { length: 30 },
      (_, i) => record("", 0, { value: new Uint8Array(100_000 + i) }),
    );
    assert.deepEqual(await log.append("events", records), records.map((_, i) => i));
    using file = new DatabaseSync(topicFile(directory, "events"));
    const rows = file.prepare("SELECT places FROM commits ORDER BY number").all();
    const ends = rows.map(({ places }) => nextOffset(places as Uint8Array, 0));
    assert.deepEqual(ends, [11, 22, 30]);
    assert.equal((await readToEnd(log, "events", 0)).length, 30);
  }));

Deno.test("offsetAt finds where a time stands, and the end when nothing is that new", () =>
  withFolder(async (directory) => {
    await using log = await openSqliteLog({ directory, partitions: 2 });
    for (const received_at of [1000, 2000, 3000]) {
      await log.append("events", [record("a", 0, { received_at }), record("b", 0, { received_at })]);
    }
    const times = [0, 1000, 1001, 2000, 3000, 3001];
    const found = await Promise.all(times.map((time) => log.offsetAt("events", 0, time)));
    assert.deepEqual(found, [0, 0, 2, 2, 4, 6]);
    assert.equal(await log.offsetAt("events", 1, 0), 0);
  }));

Deno.test("what was trimmed is not told, though it lies in a row that another partition needs", () =>
  withFolder(async (directory) => {
    await using log = await openSqliteLog({ directory, partitions: 2 });
    await log.append("events", [record("a"), record("b"), record("c", 1)]);
    await log.trim("events", 0, 1);
    await assert.rejects(log.read("events", 0, 0, LIMITS), isFault("log_truncated"));
    assert.deepEqual((await log.read("events", 0, 1, LIMITS)).map(textOf), ["b"]);
    assert.deepEqual((await log.read("events", 1, 0, LIMITS)).map(textOf), ["c"]);
  }));

Deno.test("trim lets go of many batches without keeping an append waiting for all of them", () =>
  withFolder(async (directory) => {
    await using log = await openSqliteLog({ directory, partitions: 1 });
    for (let i = 0; i < 250; i++) await log.append("events", [record(`r${i}`)]);
    const trimmed = log.trim("events", 0, 249);
    await log.append("events", [record("new")]);
    await trimmed;
    assert.deepEqual(await log.bounds("events", 0), { begin: 249, end: 251 });
  }));
