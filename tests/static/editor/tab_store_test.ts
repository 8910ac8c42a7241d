import assert from "node:assert/strict";
import { TabStore } from "../../../static/editor/tab_store.ts";
import type { KeptTexts } from "../../../static/shared/browser_storage.ts";

class Memory implements KeptTexts {
  texts = new Map<string, string>();
  isFull = false;
  getItem = (key: string) => this.texts.get(key) ?? null;
  setItem = (key: string, text: string) => !this.isFull && !!this.texts.set(key, text);
  removeItem = (key: string) => void this.texts.delete(key);
}

/** Texts of the tabs that the next visit finds. */
const kept = (storage: KeptTexts) => new TabStore(storage).tabs.map((tab) => tab.text);

/** A storage with these tabs. */
function storageWith(...texts: string[]): Memory {
  const storage = new Memory();
  const store = new TabStore(storage);
  for (const text of texts) typed(store, text);
  store.close(store.tabs[0].id);
  return storage;
}

function typed(store: TabStore, text: string): void {
  store.open("");
  store.setText(text);
  store.save();
}

Deno.test("the active tab that is chosen again does not switch", () => {
  const store = new TabStore(new Memory());
  typed(store, "select 1");
  let switches = 0;
  store.addEventListener("switch", () => switches += 1);
  store.activate(store.active.id);
  assert.equal(switches, 0);
  store.activate(store.tabs[0].id);
  assert.equal(switches, 1);
});

Deno.test("two windows do not lose each other's tabs", () => {
  const storage = storageWith("shared");
  const [one, two] = [new TabStore(storage), new TabStore(storage)];
  typed(one, "of one");
  typed(two, "of two");
  one.save();
  assert.deepEqual(kept(storage).toSorted(), ["of one", "of two", "shared"]);
});

Deno.test("what one window wrote into a tab is not taken back by another that has it open", () => {
  const storage = storageWith("old", "other");
  const [one, two] = [new TabStore(storage), new TabStore(storage)];
  one.activate(one.tabs[0].id);
  one.setText("new");
  one.save();
  two.save();
  assert.deepEqual(kept(storage), ["new", "other"]);
});

Deno.test("a tab that two windows change becomes two, once", () => {
  const storage = storageWith("old");
  const [one, two] = [new TabStore(storage), new TabStore(storage)];
  for (const [store, text] of [[one, "a"], [two, "b"], [one, "aa"], [two, "bb"]] as const) {
    store.setText(text);
    store.save();
  }
  assert.deepEqual(kept(storage).toSorted(), ["aa", "bb"]);
});

Deno.test("a tab that was closed stays closed, unless another window wrote into it since", () => {
  const storage = storageWith("first", "second");
  const [one, two] = [new TabStore(storage), new TabStore(storage)];
  one.close(one.tabs[0].id);
  two.save();
  assert.deepEqual(kept(storage), ["second"]);
  two.setText("second, changed");
  two.save();
  one.close(one.tabs[0].id);
  assert.deepEqual(kept(storage).filter((text) => text !== ""), ["second, changed"]);
});

Deno.test("a tab with a text of one's own is never dropped for a new one", () => {
  const store = new TabStore(new Memory());
  typed(store, "mine");
  for (let at = 0; at < 100; at++) store.open(`select ${at}`);
  assert.ok(store.tabs.some((tab) => tab.text === "mine"));
  assert.equal(store.tabs.length, 40);
  for (let at = 0; at < 50; at++) typed(store, `mine ${at}`);
  assert.equal(store.tabs.filter((tab) => tab.text.startsWith("mine")).length, 51);
});

Deno.test("a storage that keeps nothing is told", () => {
  const storage = new Memory();
  const store = new TabStore(storage);
  let told = 0;
  store.addEventListener("unkept", () => told += 1);
  store.open("");
  assert.equal(told, 0);
  storage.isFull = true;
  store.open("");
  assert.ok(told > 0);
});
