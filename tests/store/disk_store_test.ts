/** The disk store keeps the contract, and what only a disk or a dying process can do wrong. */
import assert from "node:assert/strict";
import { objectStoreContract } from "../contracts/object_store_contract.ts";
import { Fault } from "../../lib/errors.ts";
import { orFault } from "../../lib/store/disk_fault.ts";
import { Incoming } from "../../lib/store/disk_incoming.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { openTempDiskStore } from "./temp_disk_store.ts";

objectStoreContract("disk store", openTempDiskStore);

const STORE_MODULE = new URL("../../lib/store/disk_store.ts", import.meta.url).href;

/** Another process with the same store. */
function start(root: string, script: string): Deno.ChildProcess {
  const code = `import { openDiskStore } from ${JSON.stringify(STORE_MODULE)};
    const store = openDiskStore(${JSON.stringify(root)});\n${script}`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

Deno.test("disk store: several processes that race for the same keys share them out", async () => {
  await using opened = await openTempDiskStore();
  const script = `
    const won = [];
    for (let i = 0; i < 100; i++) {
      if (await store.create("k/" + i, new TextEncoder().encode(String(Deno.pid))) === "created") won.push(i);
    }
    await store[Symbol.asyncDispose]();
    console.log(JSON.stringify(won));`;
  const children = Array.from({ length: 3 }, () => start(opened.root, script));
  const outputs = await Promise.all(children.map((child) => child.output()));
  const won = outputs.map(({ stdout }) => JSON.parse(new TextDecoder().decode(stdout)) as number[]);
  assert.deepEqual(won.flat().sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i));
  for (const [i, child] of children.entries()) {
    for (const key of won[i]) {
      assert.equal(new TextDecoder().decode((await opened.store.read(`k/${key}`))!), String(child.pid));
    }
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${opened.root}/.incoming`)), []);
});

Deno.test("disk store: what a killed process was writing is never seen, and removed by the next", async () => {
  await using opened = await openTempDiskStore();
  await using folder = await openTempDiskStore();
  const path = `${folder.root}/endless`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  // A pipe that nobody feeds holds the process in the middle of its write.
  const script = `await store.create("done", new Uint8Array(3));
    console.log("writing");
    await store.createFromFile("a/b", ${JSON.stringify(path)});`;
  const child = start(opened.root, script);
  for await (const _line of child.stdout) break;
  const before = await names(`${opened.root}/.incoming`);
  assert.ok(before.some((name) => name.endsWith(".lock")));
  child.kill("SIGKILL");
  await child.status;
  await Deno.writeFile(`${opened.root}/.incoming/${before[0].replace(/\.[^.]*$/, "")}.99`, new Uint8Array(9));

  assert.deepEqual((await Array.fromAsync(opened.store.list(""))).map(({ key }) => key), ["done"]);
  assert.equal(await opened.store.create("next", new Uint8Array()), "created");
  const after = await names(`${opened.root}/.incoming`);
  assert.deepEqual(after.filter((name) => before.includes(name) || name.endsWith(".99")), []);
  assert.equal(after.length, 1);
});

Deno.test("`Incoming` leaves alone what a living owner writes", async () => {
  await using opened = await openTempDiskStore();
  await using first = new Incoming(opened.root);
  const path = await first.next();
  await Deno.writeTextFile(path, "half of it");
  await using second = new Incoming(opened.root);
  assert.notEqual(await second.next(), path);
  assert.equal(await Deno.readTextFile(path), "half of it");
});

Deno.test("`Incoming` gives areas to many who open and clear at once", async () => {
  await using opened = await openTempDiskStore();
  const areas = Array.from({ length: 40 }, () => new Incoming(opened.root));
  const paths = await Promise.all(areas.map(async (area) => {
    const path = await area.next();
    await Deno.writeTextFile(path, path);
    return path;
  }));
  for (const path of paths) assert.equal(await Deno.readTextFile(path), path);
  await Promise.all(paths.map((path) => Deno.remove(path)));
  for (const area of areas) await area[Symbol.asyncDispose]();
  assert.deepEqual(await names(`${opened.root}/.incoming`), []);
});

Deno.test("disk store: no key leads out of the root or into what belongs to the store", async () => {
  await using opened = await openTempDiskStore();
  const { store } = opened;
  for (const key of ["../x", "a/../../x", "/etc/passwd", ".incoming/x", ".incoming"]) {
    await assert.rejects(store.read(key), RangeError);
    await assert.rejects(store.head(key), RangeError);
    await assert.rejects(store.delete([key]), RangeError);
    await assert.rejects(store.putHint(key, new Uint8Array()), RangeError);
    assert.throws(() => store.uri(key), RangeError);
    assert.throws(() => store.localPath(key), RangeError);
    assert.equal(store.keyOf(`file://${opened.root}/${key}`), null);
  }
  assert.equal(store.keyOf(`file://${opened.root}/${encodeURIComponent("../x")}`), "..%2Fx");
});

Deno.test("disk store: `uri` is the path itself, as readers of tables expect it", async () => {
  await using opened = await openTempDiskStore();
  assert.match(opened.root, / /);
  assert.equal(opened.store.uri("t/day=1/f 1.parquet"), `file://${opened.root}/t/day=1/f 1.parquet`);
});

Deno.test("disk store: reading writes nothing, not even the root", async () => {
  await using opened = await openTempDiskStore();
  await using store = openDiskStore(`${opened.root}/not/yet`);
  assert.equal(await store.read("a"), null);
  assert.equal(await store.head("a"), null);
  assert.deepEqual(await Array.fromAsync(store.list("")), []);
  await store.delete(["a"]);
  assert.deepEqual(await names(opened.root), []);
  assert.equal(await store.create("a/b", new Uint8Array(1)), "created");
  assert.deepEqual(await names(`${opened.root}/not/yet`), [".incoming", "a"]);
});

Deno.test("disk store: goes on when its folders were removed under it", async () => {
  await using opened = await openTempDiskStore();
  await opened.store.create("a/b/c", new Uint8Array(1));
  await Deno.remove(`${opened.root}/a`, { recursive: true });
  assert.equal(await opened.store.create("a/b/c", new Uint8Array(2)), "created");
  await Deno.remove(`${opened.root}/a`, { recursive: true });
  await opened.store.putHint("a/b/hint", new Uint8Array(2));
  assert.deepEqual((await Array.fromAsync(opened.store.list(""))).map(({ key }) => key), ["a/b/hint"]);
});

Deno.test("disk store: a link to a folder is a folder", async () => {
  await using opened = await openTempDiskStore();
  await opened.store.create("real/1", new Uint8Array(1));
  await Deno.symlink(`${opened.root}/real`, `${opened.root}/alias`);
  const keys = (await Array.fromAsync(opened.store.list(""))).map(({ key }) => key);
  assert.deepEqual(keys, ["alias/1", "real/1"]);
});

Deno.test("disk store: a closed store writes no more", async () => {
  await using opened = await openTempDiskStore();
  await opened.store.create("a", new Uint8Array());
  await opened.store[Symbol.asyncDispose]();
  await assert.rejects(opened.store.create("b", new Uint8Array()), TypeError);
});

Deno.test("`orFault` tells a full disk, and lets bugs and aborts pass", async () => {
  const full = orFault("create", "a/b", async () => {
    using file = await Deno.open("/dev/full", { write: true });
    await file.write(new Uint8Array(1));
  });
  await assert.rejects(full, (fault) => {
    assert.ok(fault instanceof Fault);
    assert.equal(fault.message, "Cannot create a/b: the disk is full");
    assert.deepEqual([fault.code, fault.blame, fault.retry], ["store_full", "dependency", "after_backoff"]);
    return true;
  });
  const bug = new RangeError("bug");
  await assert.rejects(orFault("create", "a", () => Promise.reject(bug)), (thrown) => thrown === bug);
  const abort = new DOMException("enough", "AbortError");
  await assert.rejects(orFault("create", "a", () => Promise.reject(abort)), (thrown) => thrown === abort);
});

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}
