/** The door's log under the contract of its port, and what can become of its keeper thread. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Fault } from "../../lib/errors.ts";
import { openKeptLog } from "../../lib/log/kept_log.ts";
import { openSqliteLog, topicFile } from "../../lib/log/sqlite_log.ts";
import { logContract, readAll, record, textOf } from "../contracts/log_contract.ts";

const KEEPER = new URL("../../workers/log_keeper.ts", import.meta.url);
const DYING_KEEPER = new URL("dying_keeper.ts", import.meta.url);

logContract("kept_log", async () => {
  const directory = await Deno.makeTempDir();
  return {
    open: () => openKeptLog({ directory, partitions: 3, worker_url: KEEPER }),
    partitions: 3,
    too_large_bytes: 9 * 1024 * 1024,
    drop: (log, topic, partition, offset) => log.trim(topic, partition, offset),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
});

function isUnknownOutcome(error: unknown): boolean {
  return error instanceof Fault && error.code === "keeper_died" && error.blame === "dependency" &&
    error.retry === "after_backoff";
}

for (const [when, stored] of [["before", ["a", "b"]], ["after", ["a", "die after", "b"]]] as const) {
  Deno.test(`kept_log rejects what a keeper took along that died ${when} its commit, and starts another`, async () => {
    const directory = await Deno.makeTempDir();
    {
      await using log = await openKeptLog({ directory, partitions: 1, worker_url: DYING_KEEPER });
      await log.append("events", [record("a")]);
      await assert.rejects(log.append("events", [record(`die ${when}`)]), isUnknownOutcome);
      await log.append("events", [record("b")]);
      assert.deepEqual((await readAll(log, "events", 0, stored.length)).map(textOf), stored);
    }
    await Deno.remove(directory, { recursive: true });
  });
}

Deno.test("kept_log rejects appends when its keeper cannot be loaded", async () => {
  const directory = await Deno.makeTempDir();
  {
    const worker_url = new URL("no_such_keeper.ts", import.meta.url);
    await using log = await openKeptLog({ directory, partitions: 1, worker_url });
    await assert.rejects(log.append("events", [record("a")]), isUnknownOutcome);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("kept_log passes on the keeper's Fault, and answers all appends before it closes", async () => {
  const directory = await Deno.makeTempDir();
  {
    const log = await openKeptLog({ directory, partitions: 1, worker_url: KEEPER });
    const calls = Array.from({ length: 100 }, (_, i) => log.append("events", [record(`r${i}`)]));
    await log[Symbol.asyncDispose]();
    assert.deepEqual((await Promise.all(calls)).flat(), Array.from({ length: 100 }, (_, i) => i));
    await using again = await openSqliteLog({ directory, partitions: 1 });
    assert.equal((await readAll(again, "events", 0, 100)).length, 100);
    await using other = await openKeptLog({ directory, partitions: 1, worker_url: KEEPER });
    await other.identity("alerts");
    using file = new DatabaseSync(topicFile(directory, "alerts"));
    file.exec("UPDATE meta SET format = 3");
    await assert.rejects(
      other.append("alerts", [record("a")]),
      (error) => error instanceof Fault && error.code === "unknown_format" && error.retry === "never",
    );
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("kept_log keeps the order of calls whose commits had to wait for a neighbour", async () => {
  const directory = await Deno.makeTempDir();
  {
    await using log = await openKeptLog({ directory, partitions: 1, worker_url: KEEPER });
    await log.append("events", [record("first")]);
    using neighbour = new DatabaseSync(topicFile(directory, "events"));
    for (let round = 0; round < 5; round++) {
      neighbour.exec("BEGIN IMMEDIATE");
      const waiting = [];
      for (const text of ["a", "b", "c"]) {
        waiting.push(log.append("events", [record(text)]));
        await new Promise((resolve) => setTimeout(resolve, 3 + round));
      }
      neighbour.exec("COMMIT");
      const base = 1 + round * 3;
      assert.deepEqual((await Promise.all(waiting)).flat(), [base, base + 1, base + 2]);
    }
  }
  await Deno.remove(directory, { recursive: true });
});
