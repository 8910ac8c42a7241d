/** The S3 store keeps the contract on a real server. */
import { openS3Store } from "../../lib/store/s3_store.ts";
import { objectStoreContract, type OpenedStore } from "../contracts/object_store_contract.ts";
import { startS3Server } from "./s3_server.ts";

const server = await startS3Server();
globalThis.addEventListener("unload", () => void server.kill());
let buckets = 0;

function openFresh(): Promise<OpenedStore> {
  // The bucket is made by the first call that misses it.
  const store = openS3Store(server.options(`contract-${++buckets}`));
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() });
}

objectStoreContract("S3 store", openFresh);
