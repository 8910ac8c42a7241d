/** The faulty store does what its plan says, so that tests that use it prove something. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { objectStoreContract } from "../contracts/object_store_contract.ts";
import { Crash, FaultPlan } from "../faults/fault_plan.ts";
import { faultyStore } from "../faults/faulty_store.ts";
import { openTempDiskStore } from "./temp_disk_store.ts";

async function openTemp() {
  const opened = await openTempDiskStore();
  const store = faultyStore(opened.store, FaultPlan.none());
  return { store, inner: opened.store, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

objectStoreContract("faulty store without faults", openTemp);

const body = new Uint8Array([1]);
const isThere = async (store: ObjectStore, key: string) => await store.read(key) !== null;

Deno.test("`faultyStore` loses creates before and after their effect", async () => {
  await using opened = await openTemp();
  const { inner } = opened;
  await assert.rejects(faultyStore(inner, FaultPlan.at(1, "fail_before")).create("a", body), Fault);
  assert.equal(await isThere(inner, "a"), false);
  const lost = faultyStore(inner, FaultPlan.at(1, "fail_before"), { create_before: "unknown" });
  assert.equal(await lost.create("a", body), "unknown");
  assert.equal(await isThere(inner, "a"), false);
  assert.equal(await faultyStore(inner, FaultPlan.at(1, "fail_after")).create("a", body), "unknown");
  assert.equal(await isThere(inner, "a"), true);
});

Deno.test("`faultyStore` stays dead after a crash, and what was done stays done", async () => {
  await using opened = await openTemp();
  const { inner } = opened;
  const plan = FaultPlan.at(2, "crash_after");
  const store = faultyStore(inner, plan);
  assert.equal(await store.create("a", body), "created");
  await assert.rejects(store.create("b", body), Crash);
  await assert.rejects(store.read("a"), Crash);
  await assert.rejects(Array.fromAsync(store.list("")), Crash);
  await assert.rejects(store.delete(["a"]), Crash);
  assert.equal(plan.calls, 2);
  assert.deepEqual((await Array.fromAsync(inner.list(""))).map(({ key }) => key), ["a", "b"]);
});

Deno.test("`faultyStore` loses the answers of all other calls as Faults", async () => {
  await using opened = await openTemp();
  const { inner } = opened;
  await inner.create("a", body);
  const at = (kind: "fail_before" | "fail_after") => faultyStore(inner, FaultPlan.at(1, kind));
  for (const kind of ["fail_before", "fail_after"] as const) {
    await assert.rejects(at(kind).read("a"), Fault);
    await assert.rejects(at(kind).head("a"), Fault);
    await assert.rejects(Array.fromAsync(at(kind).list("")), Fault);
  }
  await assert.rejects(at("fail_before").delete(["a"]), Fault);
  assert.equal(await isThere(inner, "a"), true);
  await assert.rejects(at("fail_after").delete(["a"]), Fault);
  assert.equal(await isThere(inner, "a"), false);
  await assert.rejects(at("fail_after").putHint("h", body), Fault);
  assert.equal(await isThere(inner, "h"), true);
});
