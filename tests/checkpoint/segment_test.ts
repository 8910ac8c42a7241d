import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { hash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import {
  readSegmentIndex,
  readSegmentPart,
  readStateParts,
  type SegmentReference,
  SegmentWriter,
} from "../../lib/checkpoint/segment.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";

const RANGE = { partition: 3, first_offset: 10, next_offset: 13 };
const KEY = "segments/3/one";

async function stored(work: (store: ObjectStore, segment: SegmentReference, path: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await using store = await openDiskStore(folder);
    const writer = new SegmentWriter();
    for (let i = 0; i < 3; i++) writer.add("raw.events", { log_offset: 10 + i, body: "ü\u0000😀" }, 0);
    writer.add("processed.transactions", { event_id: "e" }, 2);
    const { bytes, index_sha256 } = await writer.finish(RANGE, {
      keyed: new TextEncoder().encode("state"),
      none: new Uint8Array(),
    });
    await store.create(KEY, bytes);
    await work(store, { key: KEY, size_bytes: bytes.length, index_sha256 }, `${folder}/${KEY}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Overwrites one byte, as a bad disk would. */
async function flip(path: string, at: number): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[at] ^= 1;
  await Deno.chmod(path, 0o644);
  await Deno.writeFile(path, bytes);
}

Deno.test("a segment gives back its rows by table and its state by name", () =>
  stored(async (store, segment) => {
    const index = (await readSegmentIndex(store, segment))!;
    deepStrictEqual(index.parts.map(({ name, rows, schema_version }) => [name, rows, schema_version]), [
      ["raw.events", 3, 0],
      ["processed.transactions", 1, 2],
      ["state:keyed", 0, 0],
    ]);
    const bytes = (await readSegmentPart(store, KEY, index.parts[0]))!;
    const lines = new TextDecoder().decode(zstdDecompressSync(bytes)).trimEnd().split("\n");
    deepStrictEqual(
      lines.map((line) => JSON.parse(line)),
      [10, 11, 12].map((log_offset) => ({ log_offset, body: "ü\u0000😀" })),
    );
    const state = (await readStateParts(store, KEY, index, "keyed"))!;
    strictEqual(new TextDecoder().decode(zstdDecompressSync(state[0])), "state");
    deepStrictEqual(await readStateParts(store, KEY, index, "none"), []);
  }));

Deno.test("a flipped byte in a part is seen when the part is read", () =>
  stored(async (store, segment, path) => {
    const index = (await readSegmentIndex(store, segment))!;
    await flip(path, index.parts[1].start + 3);
    await rejects(readSegmentPart(store, KEY, index.parts[1]), { code: "segment_damaged" });
  }));

Deno.test("a flipped byte in the index and a cut end are seen before anything counts", () =>
  stored(async (store, segment, path) => {
    await flip(path, segment.size_bytes - 30);
    await rejects(readSegmentIndex(store, segment), { code: "segment_damaged" });
    await Deno.truncate(path, segment.size_bytes - 5);
    await rejects(readSegmentIndex(store, segment), { code: "segment_damaged" });
  }));

Deno.test("a segment that is gone is told apart from a damaged one", () =>
  stored(async (store, segment) => {
    const index = (await readSegmentIndex(store, segment))!;
    await store.delete([KEY]);
    strictEqual(await readSegmentIndex(store, segment), null);
    strictEqual(await readSegmentPart(store, KEY, index.parts[0]), null);
  }));

Deno.test("a segment from before columns could change is read as one that knows of no change", () =>
  stored(async (store, segment) => {
    const bytes = (await store.read(segment.key))!;
    const [length] = new Uint32Array(bytes.slice(-12, -8).buffer);
    const end = bytes.length - 12;
    const index = JSON.parse(new TextDecoder().decode(bytes.subarray(end - length, end)));
    for (const part of index.parts) delete part.schema_version;
    const text = new TextEncoder().encode(JSON.stringify(index));
    const footer = bytes.slice(-12);
    new DataView(footer.buffer).setUint32(0, text.length, true);
    const older = new Uint8Array([...bytes.subarray(0, end - length), ...text, ...footer]);
    await store.create("segments/3/older", older);
    const found = await readSegmentIndex(store, {
      key: "segments/3/older",
      size_bytes: older.length,
      index_sha256: hash("sha256", text, "hex"),
    });
    deepStrictEqual([...new Set(found?.parts.map((part) => part.schema_version))], [0]);
  }));
