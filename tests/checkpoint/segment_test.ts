import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
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
import { unzstd } from "../zstd_frames.ts";

const RANGE = { partition: 3, first_offset: 10, next_offset: 13 };
const KEY = "segments/3/one";

async function stored(work: (store: ObjectStore, segment: SegmentReference, path: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await using store = await openDiskStore(folder);
    const writer = new SegmentWriter();
    for (let i = 0; i < 3; i++) writer.add("raw.events", { log_offset: 10 + i, body: "ü\u0000😀" }, 0);
    writer.add("processed.transactions", { event_id: "e" }, 2);
    const { bytes, index_sha256 } = writer.finish(RANGE, {
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

Deno.test("a segment says of each part on which day all its rows lie, and how long they are together and at most", () => {
  const writer = new SegmentWriter();
  for (const time of ["2026-03-01T00:00:00.000", "2026-03-01T23:59:59.999999"]) {
    writer.add("one", {}, 0, time);
  }
  for (const time of ["2026-03-01T23:59:59.999", "2026-03-02T00:00:00.000"]) writer.add("two", {}, 0, time);
  for (const time of ["2026-03-01T00:00:00.000", null]) writer.add("some", {}, 0, time);
  writer.add("none", { text: "ü".repeat(100) }, 0);
  writer.add("none", { text: "" }, 0);
  const index = indexOf(writer.finish(RANGE).bytes);
  deepStrictEqual(index.map((part) => [part.name, part.day, part.text_bytes]), [
    ["one", "2026-03-01", 6],
    ["two", null, 6],
    ["some", null, 6],
    ["none", null, 224],
  ]);
  const longest = index[3].longest_row_bytes;
  ok(longest >= 211 && longest <= 3 * 111, `${longest}`);
});

Deno.test("rows of many frames, and one larger than a frame, come back as they went in", () => {
  const writer = new SegmentWriter();
  const rows = Array.from({ length: 400 }, (_, i) => ({ i, text: (i % 2 ? "x" : "ü😀").repeat(5_000) }));
  rows.splice(200, 0, { i: -1, text: "ö".repeat(3_000_000) });
  for (const row of rows) writer.add("raw.events", row, 0);
  const { bytes } = writer.finish(RANGE);
  const [{ size_bytes, text_bytes }] = indexOf(bytes);
  const text = unzstd(bytes.subarray(0, size_bytes));
  strictEqual(new TextEncoder().encode(text).length, text_bytes);
  deepStrictEqual(text.trimEnd().split("\n").map((line) => JSON.parse(line)), rows);
});

interface IndexPart {
  name: string;
  day: string | null;
  text_bytes: number;
  longest_row_bytes: number;
  size_bytes: number;
}

function indexOf(bytes: Uint8Array): IndexPart[] {
  const [length] = new Uint32Array(bytes.slice(-12, -8).buffer);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(-12 - length, -12))).parts;
}
