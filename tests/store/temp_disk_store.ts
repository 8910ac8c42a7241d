/** A disk store in a folder of its own that goes with it. */
import { openDiskStore } from "../../lib/store/disk_store.ts";
import type { OpenedStore } from "../contracts/object_store_contract.ts";

/** The folder's name has a blank in it, because people's folders do. */
export async function openTempDiskStore(): Promise<OpenedStore & { root: string }> {
  const root = await Deno.makeTempDir({ prefix: "disk store " });
  const store = openDiskStore(root);
  return {
    root,
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}
