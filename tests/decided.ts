/** What the decided checkpoints of a partition hold, read back from their segments, for tests of whoever decides them. */
import { ok, strictEqual } from "node:assert/strict";
import { CheckpointChain } from "../lib/checkpoint/chain.ts";
import type { Checkpoint } from "../lib/checkpoint/checkpoint.ts";
import { readSegmentIndex, readSegmentPart } from "../lib/checkpoint/segment.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";
import { unzstd } from "./zstd_frames.ts";

export interface Decided {
  /** In the order of the chain. */
  rows: { table: string; row: Record<string, unknown> }[];
  last: Checkpoint;
}

export async function decidedRows(store: ObjectStore, partition = 0): Promise<Decided> {
  const { texts, last } = await decidedTexts(store, partition);
  const rows = texts.flatMap(({ table, text }) =>
    text.trimEnd().split("\n").map((line) => ({ table, row: JSON.parse(line) }))
  );
  return { rows, last };
}

/** The same as it is stored, for tests to which every byte matters. */
export async function decidedTexts(
  store: ObjectStore,
  partition = 0,
): Promise<{ texts: { table: string; text: string }[]; last: Checkpoint }> {
  const chain = new CheckpointChain(store, partition, () => Promise.resolve());
  const texts: { table: string; text: string }[] = [];
  let last = null as Checkpoint | null;
  for (const number of await chain.numbers()) {
    const checkpoint: Checkpoint | null = await chain.read(number);
    ok(checkpoint);
    strictEqual(checkpoint.first_offset, last?.next_offset ?? 0, "offset ranges tile");
    last = checkpoint;
    if (!checkpoint.segment) continue;
    const index = await readSegmentIndex(store, checkpoint.segment);
    for (const part of index!.parts.filter((one) => !one.name.startsWith("state:"))) {
      const text = unzstd((await readSegmentPart(store, checkpoint.segment.key, part))!);
      strictEqual(text.split("\n").length - 1, part.rows, "the part holds as many rows as its index says");
      texts.push({ table: part.name, text });
    }
  }
  ok(last);
  return { texts, last };
}
