/** What the decided checkpoints of a partition hold, read back from their segments, for tests of whoever decides them. */
import { ok, strictEqual } from "node:assert/strict";
import { zstdDecompressSync } from "node:zlib";
import { CheckpointChain } from "../lib/checkpoint/chain.ts";
import type { Checkpoint } from "../lib/checkpoint/checkpoint.ts";
import { readSegmentIndex, readSegmentPart } from "../lib/checkpoint/segment.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";

export interface Decided {
  /** In the order of the chain. */
  rows: { table: string; row: Record<string, unknown> }[];
  last: Checkpoint;
}

export async function decidedRows(store: ObjectStore, partition = 0): Promise<Decided> {
  const chain = new CheckpointChain(store, partition, () => Promise.resolve());
  const rows: Decided["rows"] = [];
  let last = null as Checkpoint | null;
  for (const number of await chain.numbers()) {
    const checkpoint: Checkpoint | null = await chain.read(number);
    ok(checkpoint);
    strictEqual(checkpoint.first_offset, last?.next_offset ?? 0, "offset ranges tile");
    last = checkpoint;
    if (!checkpoint.segment) continue;
    const index = await readSegmentIndex(store, checkpoint.segment);
    for (const part of index!.parts.filter((one) => !one.name.startsWith("state:"))) {
      const bytes = await readSegmentPart(store, checkpoint.segment.key, part);
      const text = frames(bytes!);
      strictEqual(text.split("\n").length - 1, part.rows, "the part holds as many rows as its index says");
      rows.push(...text.trimEnd().split("\n").map((line) => ({ table: part.name, row: JSON.parse(line) })));
    }
  }
  ok(last);
  return { rows, last };
}

/** A part is one frame or more; the decompressor stops after the first and tells how far it came. */
function frames(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const { buffer, engine } = zstdDecompressSync(bytes.subarray(at), { info: true }) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    text += new TextDecoder().decode(buffer);
    at += engine.bytesWritten;
  }
  return text;
}
