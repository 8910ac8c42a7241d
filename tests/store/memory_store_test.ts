/** The store in memory passes the same suite as the real ones, so that tests may trust it. */
import { objectStoreContract } from "../contracts/object_store_contract.ts";
import { MemoryStore } from "./memory_store.ts";

objectStoreContract("memory store", () => {
  const store = new MemoryStore();
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() });
});
