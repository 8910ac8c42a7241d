/** What a table needs to be read, cut anywhere: a Fault that names the object, and no other table is hurt. */
import { ok, rejects } from "node:assert/strict";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { readFiles, readManifestList } from "../../lib/iceberg/live_files.ts";
import { currentSnapshot } from "../../lib/iceberg/snapshot.ts";
import { MemoryStore } from "../store/memory_store.ts";
import { NAME, openSmallTable, PREFIX } from "./small_table.ts";

Deno.test("metadata, a list or a manifest that was cut is named by whoever reads it", async () => {
  const { store, commit, load, file } = await openSmallTable();
  await commit(() => ({ operation: "append", added: [file("a")] }));
  const { metadata, metadata_location } = await load();
  const list = currentSnapshot(metadata)!["manifest-list"];
  const [manifest] = await readManifestList(store, list);
  for (const path of [metadata_location, list, manifest.path]) {
    const whole = (await store.read(store.keyOf(path)!))!;
    for (let size = 0; size < whole.length; size += Math.ceil(whole.length / 20)) {
      const damaged = new MemoryStore();
      for await (const { key } of store.list("")) {
        const bytes = (await store.read(key))!;
        await damaged.create(key, key === store.keyOf(path) ? bytes.subarray(0, size) : bytes);
      }
      const reading = async () => {
        const table = await fileCatalog(damaged, { prefix: PREFIX }).load(NAME);
        await readFiles(damaged, table!.metadata);
      };
      await rejects(reading, (fault: Error & { code?: string }) => {
        ok(fault.code === "object_damaged" && fault.message.includes(path), `${size}: ${fault.message}`);
        return true;
      });
    }
  }
});
