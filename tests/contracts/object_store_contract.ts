/** What every object store must do, as one suite: disk, S3, and whoever comes next pass the same. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import type { ObjectEntry, ObjectStore } from "../../lib/store/object_store.ts";
import { compareKeys } from "../../lib/store/key.ts";

/** A fresh and empty store; disposing it removes what it holds. */
export interface OpenedStore extends AsyncDisposable {
  store: ObjectStore;
}

const RACERS = 32;
const ODD_KEYS = [
  ...["odd/a b", "odd/a+b", "odd/100%", "odd/%41", "odd/a&b=c;d", "odd/day=2025-01-01/00000-0-a.parquet"],
  ...["odd/quote'\"`", "odd/hash#query?x", "odd/(a)!*~@$,:", "odd/[a]{b}|c^", "odd/<a>", "odd/.hidden"],
  ...["odd/é", "odd/漢字", "odd/\u{1F600}", "odd/\uFF61", "odd/..a/b.."],
];

export function objectStoreContract(name: string, open: () => Promise<OpenedStore>): void {
  const contract = (title: string, check: (store: ObjectStore) => Promise<void>) =>
    Deno.test(`${name}: ${title}`, async () => {
      await using opened = await open();
      await check(opened.store);
    });
  creating(contract);
  reading(contract);
  listing(contract);
  moving(contract);
}

type Contract = (title: string, check: (store: ObjectStore) => Promise<void>) => void;

function creating(contract: Contract): void {
  contract("`create` gives exactly one of 32 racing callers the key", async (store) => {
    for (let round = 0; round < 5; round++) {
      const key = `race/${round}`;
      const answers = await Promise.all(
        Array.from({ length: RACERS }, (_, racer) => store.create(key, bytes(`racer ${racer}`))),
      );
      assert.equal(answers.filter((answer) => answer === "created").length, 1);
      assert.equal(answers.filter((answer) => answer === "taken").length, RACERS - 1);
      const winner = answers.indexOf("created");
      assert.equal(text(await store.read(key)), `racer ${winner}`);
    }
  });

  contract("`create` and `createFromFile` never change an object that exists", async (store) => {
    assert.equal(await store.create("a/b", bytes("first")), "created");
    assert.equal(await store.create("a/b", bytes("second, and longer")), "taken");
    await using folder = await tempFolder();
    await Deno.writeTextFile(`${folder.path}/c`, "third");
    assert.equal(await store.createFromFile("a/b", `${folder.path}/c`), "taken");
    assert.equal(text(await store.read("a/b")), "first");
  });

  contract("`create` wins again once the key was deleted", async (store) => {
    assert.equal(await store.create("a", bytes("1")), "created");
    await store.delete(["a"]);
    assert.equal(await store.create("a", bytes("2")), "created");
    assert.equal(text(await store.read("a")), "2");
  });

  contract("`create` and `createFromFile` race for one key with one winner", async (store) => {
    await using folder = await tempFolder();
    await Deno.writeTextFile(`${folder.path}/file`, "file");
    const answers = await Promise.all(
      Array.from(
        { length: 8 },
        (_, i) =>
          i % 2 ? store.create("k", bytes("memory")) : store.createFromFile("k", `${folder.path}/file`),
      ),
    );
    assert.equal(answers.filter((answer) => answer === "created").length, 1);
    const winner = answers.indexOf("created");
    assert.equal(text(await store.read("k")), winner % 2 ? "memory" : "file");
  });

  contract("`create` with an aborted signal rejects and creates nothing", async (store) => {
    await assert.rejects(store.create("a", bytes("x"), AbortSignal.abort(new Error("stop"))), /stop/);
    assert.equal(await store.read("a"), null);
  });

  contract("`create` refuses keys that name no object", async (store) => {
    for (const key of ["", "/a", "a/", "a//b", "..", "a/../b", "a/..", "./a", "a/.", "a\0b"]) {
      await assert.rejects(store.create(key, bytes("x")), RangeError, JSON.stringify(key));
    }
    assert.deepEqual(await all(store, ""), []);
  });

  contract("`putHint` writes and overwrites", async (store) => {
    await store.putHint("lake/t/version-hint.text", bytes("1000"));
    await store.putHint("lake/t/version-hint.text", bytes("7"));
    assert.equal(text(await store.read("lake/t/version-hint.text")), "7");
    assert.deepEqual((await all(store, "lake/")).map(({ size_bytes }) => size_bytes), [1]);
  });
}

function reading(contract: Contract): void {
  contract("`read` gives whole objects, ranges, and null where nothing is", async (store) => {
    await store.create("d/ten", bytes("0123456789"));
    const range = async (start: number, end: number) => text(await store.read("d/ten", { start, end }));
    assert.equal(text(await store.read("d/ten")), "0123456789");
    assert.equal(await range(0, 10), "0123456789");
    assert.equal(await range(0, 1), "0");
    assert.equal(await range(3, 7), "3456");
    assert.equal(await range(9, 10), "9");
    assert.equal(await range(6, 1000), "6789");
    assert.equal(await range(10, 12), "");
    assert.equal(await range(1000, 1001), "");
    assert.equal(await range(4, 4), "");
    assert.equal(await store.read("d/none"), null);
    assert.equal(await store.read("d/ten/below"), null);
    assert.equal(await store.read("d"), null);
    assert.equal(await store.read("d/none", { start: 0, end: 4 }), null);
    assert.equal(await store.read("d/none", { start: 4, end: 4 }), null);
    await assert.rejects(store.read("d/ten", { start: -1, end: 4 }), RangeError);
    await assert.rejects(store.read("d/ten", { start: 4, end: 3 }), RangeError);
  });

  contract("`read` of any range equals a slice", async (store) => {
    const body = crypto.getRandomValues(new Uint8Array(5000));
    await store.create("slice", body);
    await fc.assert(
      fc.asyncProperty(fc.nat(6000), fc.nat(6000), async (start, length) => {
        const range = { start, end: start + length };
        assert.deepEqual(await store.read("slice", range), body.slice(range.start, range.end));
      }),
      { numRuns: 30 },
    );
  });

  contract("an empty object is an object", async (store) => {
    assert.equal(await store.create("empty", new Uint8Array()), "created");
    assert.equal(await store.create("empty", new Uint8Array()), "taken");
    assert.deepEqual(await store.read("empty"), new Uint8Array());
    assert.deepEqual(await store.read("empty", { start: 0, end: 9 }), new Uint8Array());
    assert.equal((await store.head("empty"))?.size_bytes, 0);
    await using folder = await tempFolder();
    assert.equal(await store.readToFile("empty", `${folder.path}/e`), true);
    assert.equal((await Deno.stat(`${folder.path}/e`)).size, 0);
    assert.equal(await store.createFromFile("empty2", `${folder.path}/e`), "created");
    assert.deepEqual((await all(store, "empty")).map(({ size_bytes }) => size_bytes), [0, 0]);
  });

  contract("`head` tells size and an etag that stands still", async (store) => {
    await store.create("h/1", bytes("abc"));
    await store.create("h/2", bytes("something else"));
    const head = await store.head("h/1");
    assert.equal(head?.size_bytes, 3);
    assert.match(head?.etag ?? "", /^"[\x21\x23-\x7e]+"$/);
    assert.deepEqual(await store.head("h/1"), head);
    assert.notEqual((await store.head("h/2"))?.etag, head?.etag);
    assert.equal(await store.head("h/3"), null);
    assert.equal(await store.head("h"), null);
  });
}

function listing(contract: Contract): void {
  contract("`list` ascends by UTF-8 bytes and keeps to its prefix", async (store) => {
    const keys = ["a-b/1", "a.b", "a/1", "a/10", "a/2", "a/b/c", "a0", "b", "z/\uFF61", "z/\u{1F600}"];
    await Promise.all([...keys].reverse().map((key) => store.create(key, bytes(key))));
    const before = Date.now() + 60_000;
    const entries = await all(store, "");
    assert.deepEqual(entries.map(({ key }) => key), keys);
    for (const entry of entries) {
      assert.equal(entry.size_bytes, bytes(entry.key).length);
      assert.ok(entry.modified_at > before - 3_600_000 && entry.modified_at < before + 3_600_000);
    }
    for (const prefix of ["a", "a/", "a/1", "a/b", "a/b/", "a/b/c", "a/b/c/", "b", "c", "z/", "a/b/c/d"]) {
      const found = (await all(store, prefix)).map(({ key }) => key);
      assert.deepEqual(found, keys.filter((key) => key.startsWith(prefix)), prefix);
    }
    for (const after of ["", "a", "a.b", "a/", "a/10", "a/b", "z/\uFF61", "zz"]) {
      for (const prefix of ["", "a", "a/"]) {
        const found = (await all(store, prefix, after)).map(({ key }) => key);
        const wanted = keys.filter((key) => key.startsWith(prefix) && compareKeys(key, after) > 0);
        assert.deepEqual(found, wanted, `${prefix} beyond ${after}`);
      }
    }
    await assert.rejects(all(store, "../"), RangeError);
  });

  contract("`list` gives every one of more than 1,000 keys once", async (store) => {
    const keys = Array.from({ length: 1105 }, (_, i) => `many/${String(i).padStart(20, "0")}.json`);
    await inBatches(keys, 64, (key) => store.create(key, bytes("{}")));
    assert.deepEqual((await all(store, "many/")).map(({ key }) => key), keys);
    const tail = (await all(store, "many/000000000000000010")).map(({ key }) => key);
    assert.deepEqual(tail, keys.slice(1000, 1100));
    assert.deepEqual((await all(store, "many/", keys[20])).map(({ key }) => key), keys.slice(21));
    await store.delete(keys);
    assert.deepEqual(await all(store, ""), []);
  });

  contract("`list` sees what was created before it began, while others write", async (store) => {
    for (let i = 0; i < 20; i++) {
      const [, entries] = await Promise.all([
        store.create(`live/${i}/later`, bytes("x")),
        all(store, "live/"),
      ]);
      const keys = new Set(entries.map(({ key }) => key));
      for (let before = 0; before < i; before++) assert.ok(keys.has(`live/${before}/later`));
    }
  });

  contract("`delete` takes away what exists and forgives what does not", async (store) => {
    for (const key of ["x/1", "x/2", "x/3", "y"]) await store.create(key, bytes(key));
    await store.delete(["x/1", "x/none", "none/at/all", "x/3", "y/below"]);
    await store.delete([]);
    assert.deepEqual((await all(store, "")).map(({ key }) => key), ["x/2", "y"]);
    assert.equal(await store.read("x/1"), null);
    assert.equal(await store.head("x/1"), null);
  });

  contract("odd keys come back as they were", async (store) => {
    for (const key of ODD_KEYS) assert.equal(await store.create(key, bytes(key)), "created", key);
    assert.deepEqual(new Set((await all(store, "odd/")).map(({ key }) => key)), new Set(ODD_KEYS));
    for (const key of ODD_KEYS) {
      assert.equal(text(await store.read(key)), key);
      assert.equal(store.keyOf(store.uri(key)), key);
      assert.equal((await store.head(key))?.size_bytes, bytes(key).length);
    }
    await store.delete(ODD_KEYS);
    assert.deepEqual(await all(store, ""), []);
  });
}

function moving(contract: Contract): void {
  contract("`uri` and `keyOf` undo each other, and `keyOf` knows strangers", (store) => {
    for (const key of ["a", "a/b/c.parquet", "lake/raw/events/data/day=2025-01-01/f.parquet"]) {
      assert.match(store.uri(key), /^(file:\/\/\/|s3:\/\/)/);
      assert.ok(store.uri(key).endsWith(`/${key}`));
      assert.equal(store.keyOf(store.uri(key)), key);
    }
    const root = store.uri("a").slice(0, -1);
    for (const strange of ["", "a", "http://a/b", "file:///elsewhere/a", "s3://other-bucket-x/a", root]) {
      assert.equal(store.keyOf(strange), null, strange);
    }
    assert.equal(store.keyOf(`${root}../a`), null);
    assert.equal(store.keyOf(`${root.slice(0, -1)}x/a`), null);
    return Promise.resolve();
  });

  contract("`localPath` is null or the file itself; `presign` is null or answers GET", async (store) => {
    await store.create("p/data file.parquet", bytes("0123456789"));
    const path = store.localPath("p/data file.parquet");
    if (path !== null) assert.equal(await Deno.readTextFile(path), "0123456789");
    const address = await store.presign("p/data file.parquet", 60);
    if (address === null) return;
    const answer = await fetch(address, { headers: { range: "bytes=2-4" } });
    assert.equal(answer.status, 206);
    assert.equal(await answer.text(), "234");
  });

  contract("big objects go up and down whole, from memory and from a file", async (store) => {
    const body = randomBytes(17 * 1024 * 1024 + 11);
    await using folder = await tempFolder();
    await Deno.writeFile(`${folder.path}/up`, body);
    assert.equal(await store.createFromFile("big/file", `${folder.path}/up`), "created");
    assert.equal(await store.create("big/memory", body), "created");
    assert.equal(await store.create("big/memory", body), "taken");
    assert.equal(await store.createFromFile("big/file", `${folder.path}/up`), "taken");
    for (const key of ["big/file", "big/memory"]) {
      assert.equal((await store.head(key))?.size_bytes, body.length);
      assert.ok(same(await store.read(key), body));
      const range = { start: 8 * 1024 * 1024 - 5, end: 16 * 1024 * 1024 + 5 };
      assert.ok(same(await store.read(key, range), body.subarray(range.start, range.end)));
      assert.equal(await store.readToFile(key, `${folder.path}/down`), true);
      assert.ok(same(await Deno.readFile(`${folder.path}/down`), body));
    }
    assert.equal(await store.readToFile("big/none", `${folder.path}/none`), false);
    await assert.rejects(Deno.stat(`${folder.path}/none`), Deno.errors.NotFound);
  });
}

async function all(store: ObjectStore, prefix: string, after?: string): Promise<ObjectEntry[]> {
  return await Array.fromAsync(store.list(prefix, after));
}

async function inBatches<T>(items: readonly T[], size: number, act: (item: T) => Promise<unknown>) {
  for (let at = 0; at < items.length; at += size) await Promise.all(items.slice(at, at + size).map(act));
}

function bytes(words: string): Uint8Array {
  return new TextEncoder().encode(words);
}

function text(body: Uint8Array | null): string | null {
  return body === null ? null : new TextDecoder().decode(body);
}

function same(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0;
}

async function tempFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
