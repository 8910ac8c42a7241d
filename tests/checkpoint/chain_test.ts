import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { CheckpointChain } from "../../lib/checkpoint/chain.ts";
import { type Checkpoint, noCounts } from "../../lib/checkpoint/checkpoint.ts";
import { claim, type ClaimContext } from "../../lib/checkpoint/claim.ts";
import { checkpointKey } from "../../lib/checkpoint/paths.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { FaultPlan } from "../faults/fault_plan.ts";
import { faultyStore } from "../faults/faulty_store.ts";
import { interruptingStore } from "../faults/interrupting_store.ts";

const LOG = { id: "log-1", partitions: 1 };

async function withStore(work: (store: ObjectStore, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using store = await openDiskStore(folder);
    await work(store, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function chainOf(store: ObjectStore): CheckpointChain {
  return new CheckpointChain(store, 0, () => Promise.resolve());
}

function context(alarms: string[] = [], log = LOG): ClaimContext {
  return {
    log,
    log_begin: 0,
    newId: () => crypto.randomUUID(),
    now: () => 0,
    alarm: (text) => void alarms.push(text),
  };
}

async function claimed(chain: CheckpointChain, alarms: string[] = [], log = LOG): Promise<Checkpoint> {
  const result = await claim(chain, context(alarms, log));
  ok(result.outcome === "claimed");
  return result.fence;
}

function after(base: Checkpoint, next_offset: number): Checkpoint {
  return {
    ...base,
    number: base.number + 1,
    previous: base.number,
    write_id: crypto.randomUUID(),
    first_offset: base.next_offset,
    next_offset,
  };
}

Deno.test("claim makes a fence that carries everything on, under a higher epoch", () =>
  withStore(async (store) => {
    const chain = chainOf(store);
    const first = await claimed(chain);
    deepStrictEqual([first.number, first.epoch, first.next_offset], [1, 1, 0]);
    const reference = { key: "k", size_bytes: 1, index_sha256: "" };
    const decided: Checkpoint = {
      ...after(first, 7),
      watermark_ms: 11,
      log_time_ms: 12,
      segment: reference,
      state: { image: reference, after: 1, changed_bytes: 13 },
      tables: { "raw.events": { rows: 7, previous: 0 } },
      totals: { "raw.events": { newest: 2, rows: 7 } },
      newest_with_events: 2,
      sources: { a: { accepted: 7, rows: 7, duplicates: 0, dead_letters: 0, unmapped: 0, of_which_late: 0 } },
      taken_over: { rules: "v" },
    };
    deepStrictEqual(await chain.attempt(decided), { outcome: "won" });
    const { write_id: _, ...second } = await claimed(chainOf(store));
    const { write_id: __, ...carried } = decided;
    deepStrictEqual(second, {
      ...carried,
      number: 3,
      previous: 2,
      epoch: 2,
      first_offset: 7,
      segment: null,
      tables: {},
    });
  }));

Deno.test("the old owner's decision loses after a claim, even when it comes late", () =>
  withStore(async (store) => {
    const old = chainOf(store);
    const fence = await claimed(old);
    await claimed(chainOf(store));
    const attempt = await old.attempt(after(fence, 5));
    strictEqual(attempt.outcome, "lost");
  }));

Deno.test("claim adopts what a lower epoch decides meanwhile", () =>
  withStore(async (store) => {
    const old = chainOf(store);
    const fence = await claimed(old);
    const next = chainOf(store);
    const head = next.head.bind(next);
    // The old owner decides between the look and the fence.
    next.head = async () => {
      const seen = await head();
      await old.attempt(after(fence, 9));
      return seen;
    };
    const result = await claimed(next);
    deepStrictEqual([result.number, result.epoch, result.next_offset], [3, 2, 9]);
  }));

Deno.test("of two claims of one epoch one gives way", () =>
  withStore(async (store) => {
    const results = await Promise.all([claim(chainOf(store), context()), claim(chainOf(store), context())]);
    deepStrictEqual(results.map((one) => one.outcome).sort(), ["beaten", "claimed"]);
  }));

Deno.test("attempt does not believe a won number below the newest (it was collected, and won again)", () =>
  withStore(async (store) => {
    const sleeper = chainOf(store);
    const fence = await claimed(sleeper);
    const other = chainOf(store);
    let newest = await claimed(other);
    for (let i = 1; i <= 3; i++) {
      newest = after(newest, i);
      await other.attempt(newest);
    }
    await store.delete([checkpointKey(0, 2)]);
    const attempt = await sleeper.attempt(after(fence, 100));
    strictEqual(attempt.outcome, "lost");
  }));

Deno.test("head looks again when all that it listed was collected before it came to read it", () =>
  withStore(async (store) => {
    let newest = await claimed(chainOf(store));
    const { store: overtaken } = interruptingStore(store, 2, async () => {
      const chain = chainOf(store);
      for (let i = 1; i <= 3; i++) await chain.attempt(newest = after(newest, i));
      await store.delete([checkpointKey(0, 1), checkpointKey(0, 2)]);
    });
    deepStrictEqual(await chainOf(overtaken).head(), { highest: 4, checkpoint: newest, damaged: [] });
  }));

Deno.test("attempt finds its own checkpoint when the answer was lost", () =>
  withStore(async (store) => {
    const chain = chainOf(store);
    const next = after(await claimed(chain), 3);
    const plan = FaultPlan.at(1, "fail_after");
    deepStrictEqual(await chainOf(faultyStore(store, plan)).attempt(next), { outcome: "won" });
    deepStrictEqual(plan.names.map((name) => name.split(" ")[0]), ["create", "create", "read", "list"]);
  }));

/** 8 becomes 9: still JSON, and still a checkpoint in every field. */
function flipNextOffset(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  const at = text.indexOf('"next_offset":8') + '"next_offset":'.length;
  return bytes.map((byte, i) => i === at ? byte ^ 1 : byte);
}

for (
  const [defect, spoil] of [
    ["truncated", (bytes: Uint8Array) => bytes.subarray(0, bytes.length >> 1)],
    ["empty", () => new Uint8Array()],
    ["bit_flipped", (bytes: Uint8Array) => bytes.map((byte, i) => i === 40 ? byte ^ 1 : byte)],
    ["whole, but for a bit of its next offset", flipNextOffset],
  ] as const
) {
  Deno.test(`a newest checkpoint that is ${defect} is passed over with an alarm`, () =>
    withStore(async (store, folder) => {
      const chain = chainOf(store);
      const good = after(await claimed(chain), 4);
      await chain.attempt(good);
      await chain.attempt(after(good, 8));
      const path = `${folder}/${checkpointKey(0, 3)}`;
      const bytes = await Deno.readFile(path);
      await Deno.chmod(path, 0o644);
      await Deno.writeFile(path, spoil(bytes));
      const alarms: string[] = [];
      const fence = await claimed(chainOf(store), alarms);
      deepStrictEqual([fence.number, fence.next_offset, fence.previous], [4, 4, 2]);
      strictEqual(alarms.length, 1);
    }));
}

Deno.test("a checkpoint of a newer version of the program is refused, not passed over", () =>
  withStore(async (store, folder) => {
    const chain = chainOf(store);
    await claimed(chain);
    const key = checkpointKey(0, 1);
    const [text] = (await Deno.readTextFile(`${folder}/${key}`)).split("\n");
    const newer = text.replace('"format":1', '"format":2');
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(newer)));
    await store.delete([key]);
    await store.create(key, new TextEncoder().encode(`${newer}\n${digest.toHex()}\n`));
    await rejects(claim(chainOf(store), context()), { code: "checkpoint_unknown_format" });
  }));

Deno.test("a source called __proto__ keeps its counts when its checkpoint is read again", () =>
  withStore(async (store) => {
    const chain = chainOf(store);
    const first = await claimed(chain);
    const sources = Object.fromEntries([["__proto__", { ...noCounts(), accepted: 1, rows: 1 }]]);
    await chain.attempt({ ...after(first, 1), sources });
    const { checkpoint } = await chainOf(store).head();
    deepStrictEqual(Object.entries(checkpoint!.sources), Object.entries(sources));
  }));

Deno.test("claim refuses another log than the one its checkpoints belong to", () =>
  withStore(async (store) => {
    await claimed(chainOf(store));
    await rejects(claim(chainOf(store), context([], { id: "log-2", partitions: 1 })), {
      code: "log_replaced",
    });
    await rejects(claim(chainOf(store), context([], { id: "log-1", partitions: 2 })), {
      code: "log_replaced",
    });
  }));
