/** What arrives while a commit runs goes together into the next one. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { Fault } from "../../lib/errors.ts";
import { type Group, GroupCommit, type GroupLimits } from "../../lib/log/group_commit.ts";
import { record } from "../contracts/log_contract.ts";

const LIMITS: GroupLimits = {
  partitions: 3,
  max_record_bytes: 10_000_000,
  max_queue_bytes: 1_000_000,
  max_commits: 1,
};

/** Commits that end when the test says so, onto a log in memory. */
class HeldCommits {
  readonly begun: { texts: string[]; groups: readonly Group[]; end(): void; fail(error: Error): void }[] = [];
  readonly ends = [0, 0, 0];

  readonly commit = (groups: readonly Group[]): Promise<number[]> =>
    new Promise((resolve, reject) => {
      const texts = groups.flatMap(({ records }) => records.map((one) => decoder.decode(one.value)));
      const end = () =>
        resolve(
          groups.map(({ partition, records: { length } }) => (this.ends[partition] += length) - length),
        );
      this.begun.push({ texts, groups, end, fail: reject });
    });
}

const decoder = new TextDecoder();
/** Behind what was to be done at the end of the present turn of the event loop. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

Deno.test("GroupCommit puts what arrives during a commit into the next one", async () => {
  const held = new HeldCommits();
  const group = new GroupCommit(held.commit, LIMITS);
  const first = group.append([record("a")]);
  await turn();
  const rest = [group.append([record("b", 1)]), group.append([record("c"), record("d", 1)])];
  await turn();
  assert.deepEqual(held.begun.map((one) => one.texts), [["a"]]);
  held.begun[0].end();
  assert.deepEqual(await first, [0]);
  await turn();
  assert.deepEqual(held.begun.map((one) => one.texts), [["a"], ["b", "d", "c"]]);
  assert.deepEqual(held.begun[1].groups.map((group) => [group.partition, group.records.length]), [[1, 2], [
    0,
    1,
  ]]);
  held.begun[1].end();
  assert.deepEqual(await Promise.all(rest), [[0], [1, 1]]);
});

Deno.test("GroupCommit begins as many commits of many bytes as it may, in the order of the calls", async () => {
  const held = new HeldCommits();
  const group = new GroupCommit(held.commit, { ...LIMITS, max_commits: 2 });
  const calls = [];
  const headers = { padding: "x".repeat(200_000) };
  for (const text of ["a", "b", "c", "d"]) {
    calls.push(group.append([record(text, 0, { headers })]));
    await turn();
  }
  assert.deepEqual(held.begun.map((one) => one.texts), [["a"], ["b"]]);
  held.begun.forEach((one) => one.end());
  await turn();
  assert.deepEqual(held.begun.map((one) => one.texts), [["a"], ["b"], ["c", "d"]]);
  held.begun[2].end();
  assert.deepEqual((await Promise.all(calls)).flat(), [0, 1, 2, 3]);
});

Deno.test("GroupCommit begins the next commit before it answers, where commits are carried out elsewhere", async () => {
  for (const [max_commits, begun] of [[2, 2], [1, 1]]) {
    const held = new HeldCommits();
    const group = new GroupCommit(held.commit, { ...LIMITS, max_commits });
    const first = group.append([record("a")]).then(() => held.begun.length);
    await turn();
    const second = group.append([record("b")]);
    held.begun[0].end();
    assert.equal(await first, begun);
    await turn();
    held.begun[1].end();
    await second;
  }
});

Deno.test("GroupCommit lets few bytes wait for the commit under way, though it may begin another", async () => {
  const held = new HeldCommits();
  const group = new GroupCommit(held.commit, { ...LIMITS, max_commits: 2 });
  const calls = [];
  for (const text of ["a", "b", "c"]) {
    calls.push(group.append([record(text)]));
    await turn();
  }
  assert.deepEqual(held.begun.map((one) => one.texts), [["a"]]);
  held.begun[0].end();
  await turn();
  assert.deepEqual(held.begun.map((one) => one.texts), [["a"], ["b", "c"]]);
  held.begun[1].end();
  assert.deepEqual((await Promise.all(calls)).flat(), [0, 1, 2]);
});

Deno.test("GroupCommit refuses what exceeds its queue, and takes again once there is room", async () => {
  const held = new HeldCommits();
  const group = new GroupCommit(held.commit, { ...LIMITS, max_queue_bytes: 5000 });
  const large = record("x", 0, { value: new Uint8Array(3000) });
  const first = group.append([large]);
  await turn();
  await assert.rejects(
    group.append([large]),
    (error) =>
      error instanceof Fault && error.code === "overloaded" && error.blame === "dependency" &&
      error.retry === "after_backoff",
  );
  const small = group.append([record("small")]);
  held.begun[0].end();
  await first;
  await turn();
  held.begun[1].end();
  await small;
  const again = group.append([large]);
  await turn();
  held.begun[2].end();
  assert.deepEqual(await again, [2]);
});

Deno.test("GroupCommit rejects all calls of a commit that fails, and goes on", async () => {
  const held = new HeldCommits();
  const group = new GroupCommit(held.commit, LIMITS);
  const failing = [group.append([record("a")]), group.append([record("b")])];
  const seen = Promise.allSettled(failing);
  await turn();
  const next = group.append([record("c")]);
  const reason = new Error("disk");
  held.begun[0].fail(reason);
  assert.deepEqual((await seen).map((one) => one.status === "rejected" && one.reason), [reason, reason]);
  await turn();
  held.begun[1].end();
  assert.deepEqual(await next, [0]);
  await group.settled();
});

Deno.test("GroupCommit answers -1 for every record when the log does not tell offsets", async () => {
  const group = new GroupCommit((groups) => Promise.resolve(groups.map(() => -1)), LIMITS);
  assert.deepEqual(await group.append([record("a"), record("b"), record("c", 1)]), [-1, -1, -1]);
});

Deno.test("settled resolves only when every call has its answer", async () => {
  const held = new HeldCommits();
  const group = new GroupCommit(held.commit, LIMITS);
  const answers: string[] = [];
  const calls = [group.append([record("a")]).then(() => answers.push("a"))];
  const settled = group.settled().then(() => answers.push("settled"));
  await turn();
  calls.push(group.append([record("b")]).then(() => answers.push("b")));
  held.begun[0].end();
  await turn();
  await turn();
  held.begun[1].end();
  await Promise.all([...calls, settled]);
  assert.deepEqual(answers, ["a", "b", "settled"]);
});
