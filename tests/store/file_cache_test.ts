/** The file cache fetches once, keeps to its room, and never takes a file from under its reader. */
import assert from "node:assert/strict";
import type { Clock } from "../../lib/clock.ts";
import { Fault } from "../../lib/errors.ts";
import { FileCache } from "../../lib/store/file_cache.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { FaultPlan } from "../faults/fault_plan.ts";
import { faultyStore } from "../faults/faulty_store.ts";
import { openTempDiskStore } from "./temp_disk_store.ts";

const KIB = 1024;

/** Each look is one second later, so that files differ in when they were used. */
function tickingClock(): Clock {
  let now = Date.parse("2025-01-01T00:00:00Z");
  return { now: () => now += 1000, sleep: () => new Promise((resolve) => setTimeout(resolve, 1)) };
}

/** A store that is elsewhere, with objects `a`, `b`, ... of one KiB each, and a folder for copies. */
async function openRemote(plan = FaultPlan.none()) {
  const opened = await openTempDiskStore();
  const folder = `${opened.root}/cache`;
  const remote: ObjectStore = { ...faultyStore(opened.store, plan), localPath: () => null };
  for (const key of "abcdefgh") await opened.store.create(key, new Uint8Array(KIB).fill(key.charCodeAt(0)));
  const clock = tickingClock();
  return {
    folder,
    remote,
    store: opened.store,
    open: (max_bytes: number, store = remote) => new FileCache(store, { folder, max_bytes, clock }),
    fetches: () => plan.names.filter((name) => name.startsWith("readToFile")).length,
    files: async () => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

async function assertHolds(path: string, key: string): Promise<void> {
  assert.deepEqual(await Deno.readFile(path), new Uint8Array(KIB).fill(key.charCodeAt(0)));
}

async function use(cache: FileCache, key: string): Promise<void> {
  using lease = await cache.lease(key);
  await assertHolds(lease.path, key);
}

Deno.test("`FileCache` fetches an object once, also when many want it, and again by another process", async () => {
  await using remote = await openRemote();
  const cache = remote.open(100 * KIB);
  const leases = await Promise.all(Array.from({ length: 20 }, () => cache.lease("a")));
  for (const lease of leases) await assertHolds(lease.path, "a");
  for (const lease of leases) lease[Symbol.dispose]();
  await use(cache, "a");
  await use(remote.open(100 * KIB), "a");
  assert.equal(remote.fetches(), 1);
  assert.equal((await remote.files()).length, 1);
  await cache.settled();
});

Deno.test("`FileCache` lets go first what was not used for longest", async () => {
  await using remote = await openRemote();
  const cache = remote.open(3 * KIB);
  for (const key of "abcad") {
    await use(cache, key);
    await cache.settled();
  }
  assert.equal(remote.fetches(), 4);
  await use(cache, "a");
  await use(cache, "d");
  assert.equal(remote.fetches(), 4);
  await use(cache, "b");
  await cache.settled();
  assert.equal(remote.fetches(), 5);
  assert.ok((await remote.files()).length <= 3);
});

Deno.test("`FileCache` never removes a file in use, by whomever", async () => {
  await using remote = await openRemote();
  const [cache, other] = [remote.open(KIB), remote.open(0)];
  const lease = await cache.lease("a");
  const again = await cache.lease("a");
  for (const key of "bcdefgh") {
    await use(cache, key);
    await use(other, key);
    await cache.settled();
    await other.settled();
    await assertHolds(lease.path, "a");
  }
  assert.equal((await remote.files()).length, 1);
  again[Symbol.dispose]();
  again[Symbol.dispose]();
  await use(other, "b");
  await other.settled();
  await assertHolds(lease.path, "a");
  lease[Symbol.dispose]();
  await use(other, "b");
  await other.settled();
  assert.deepEqual(await remote.files(), []);
});

Deno.test("`FileCache` keeps every promise while several share too little room", async () => {
  await using remote = await openRemote();
  const caches = [remote.open(2 * KIB), remote.open(KIB), remote.open(0)];
  const reader = async (cache: FileCache, seed: number) => {
    for (let i = 0; i < 40; i++) await use(cache, "abcdefgh"[(i * seed + i) % 8]);
  };
  await Promise.all(caches.flatMap((cache) => [1, 2, 3].map((seed) => reader(cache, seed))));
  for (const cache of caches) await cache.settled();
  // Each may have met another at a file, and left it; once nobody is about, nothing stays in use.
  await use(caches[2], "a");
  await caches[2].settled();
  assert.deepEqual(await remote.files(), []);
});

Deno.test("`FileCache` says when an object is gone, and finds it when it comes", async () => {
  await using remote = await openRemote();
  const cache = remote.open(100 * KIB);
  await assert.rejects(
    cache.lease("z"),
    (error) => error instanceof Fault && error.code === "store_missing" && error.retry === "after_refresh",
  );
  await remote.store.create("z", new Uint8Array(KIB).fill("z".charCodeAt(0)));
  await use(cache, "z");
  await cache.settled();
});

Deno.test("`FileCache` passes on a failed fetch, keeps nothing of it, and tries anew", async () => {
  for (const kind of ["fail_before", "fail_after"] as const) {
    await using remote = await openRemote(FaultPlan.at(1, kind));
    const cache = remote.open(100 * KIB);
    const outcomes = await Promise.allSettled([cache.lease("a"), cache.lease("a")]);
    assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
    assert.deepEqual(await remote.files(), []);
    await use(cache, "a");
    await cache.settled();
  }
});

Deno.test("`FileCache` fetches on while one who waits remains, and stops when the last leaves", async () => {
  await using remote = await openRemote();
  const gate = Promise.withResolvers<void>();
  let stopped: AbortSignal | undefined;
  const slow: ObjectStore = {
    ...remote.remote,
    async readToFile(key, path, signal) {
      stopped = signal;
      await gate.promise;
      signal?.throwIfAborted();
      return await remote.remote.readToFile(key, path, signal);
    },
  };
  const cache = remote.open(100 * KIB, slow);
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = [cache.lease("a", first.signal), cache.lease("a", second.signal)];
  first.abort(new Error("first left"));
  await assert.rejects(waiting[0], /first left/);
  while (stopped === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(stopped.aborted, false);
  second.abort(new Error("second left"));
  await assert.rejects(waiting[1], /second left/);
  assert.equal(stopped.aborted, true);
  gate.resolve();
  await use(cache, "a");
  await cache.settled();
});

Deno.test("`FileCache` gives up what nobody uses when the disk is full, and tries once more", async () => {
  await using remote = await openRemote();
  let full = false;
  const store: ObjectStore = {
    ...remote.remote,
    readToFile(key, path, signal) {
      if (!full) return remote.remote.readToFile(key, path, signal);
      full = false;
      return Promise.reject(
        new Fault("store_full", "Cannot write", { blame: "dependency", retry: "after_backoff" }),
      );
    },
  };
  const cache = remote.open(100 * KIB, store);
  await use(cache, "a");
  using held = await cache.lease("b");
  full = true;
  await use(cache, "c");
  await assertHolds(held.path, "b");
  await use(cache, "a");
  assert.equal(remote.fetches(), 4);
  await cache.settled();
});

Deno.test("`FileCache` clears downloads that were abandoned, and only those", async () => {
  await using remote = await openRemote();
  await Deno.mkdir(remote.folder);
  const clock = tickingClock();
  for (const [name, age_ms] of [["old", 7_200_000], ["new", 60_000]] as const) {
    await Deno.writeTextFile(`${remote.folder}/.fetching-${name}`, "half");
    await Deno.utime(`${remote.folder}/.fetching-${name}`, new Date(0), new Date(clock.now() - age_ms));
  }
  const cache = remote.open(100 * KIB);
  await use(cache, "a");
  await cache.settled();
  assert.deepEqual((await remote.files()).filter((name) => name.startsWith(".")), [".fetching-new"]);
});

Deno.test("`leaseAll` gives all in order, or lets go of all", async () => {
  await using remote = await openRemote();
  const cache = remote.open(0);
  {
    using leases = await cache.leaseAll(["c", "a", "b", "a"]);
    await cache.settled();
    for (const [at, key] of ["c", "a", "b", "a"].entries()) await assertHolds(leases.paths[at], key);
  }
  await cache.settled();
  assert.deepEqual(await remote.files(), []);
  await assert.rejects(cache.leaseAll(["a", "nothing", "b"]), /Cannot fetch nothing: it is no longer there/);
  await use(cache, "d");
  await cache.settled();
  assert.deepEqual(await remote.files(), []);
  const left = AbortSignal.abort(new Error("left"));
  await assert.rejects(cache.leaseAll(["a"], left), /left/);
});

Deno.test("`FileCache` hands out the disk store's own files without a copy", async () => {
  await using opened = await openTempDiskStore();
  await opened.store.create("t/a.parquet", new Uint8Array(3));
  const cache = new FileCache(opened.store, { folder: `${opened.root}/cache`, max_bytes: 0 });
  using lease = await cache.lease("t/a.parquet");
  assert.equal(lease.path, opened.store.localPath("t/a.parquet"));
  await assert.rejects(cache.lease("t/b.parquet"), Fault);
  await assert.rejects(Deno.stat(`${opened.root}/cache`), Deno.errors.NotFound);
});
