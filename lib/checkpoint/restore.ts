/** Rebuilding a partition's state from its last full image and the changes of every checkpoint since. */
import { Fault } from "../errors.ts";
import type { ObjectStore } from "../store/object_store.ts";
import type { CheckpointChain } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { decompressed, readSegmentIndex, readStateParts } from "./segment.ts";

/** Receives state parts in order: one image (or none), then changes, oldest first. */
export interface StateReceiver {
  /** The pieces of an image in order, each made as it is asked for. */
  image(name: string, pieces: Iterable<Uint8Array>): void;
  change(name: string, bytes: Uint8Array): void;
}

/** Feeds `receiver` all that `newest` refers to. `names` are the state parts, in the order in which they are applied. */
export async function restoreState(
  store: ObjectStore,
  chain: CheckpointChain,
  newest: Checkpoint,
  names: readonly string[],
  receiver: StateReceiver,
): Promise<void> {
  const { image } = newest.state;
  if (image) {
    await feed(store, image, names, (name, parts) => receiver.image(name, decompressed(parts)));
  }
  for (const checkpoint of await changesSince(chain, newest)) {
    await feed(store, checkpoint.segment!, names, (name, parts) => {
      for (const bytes of decompressed(parts)) receiver.change(name, bytes);
    });
  }
}

/** Checkpoints with a segment after the image, oldest first, by following `previous` (damaged ones are not in it). */
async function changesSince(chain: CheckpointChain, newest: Checkpoint): Promise<Checkpoint[]> {
  const found: Checkpoint[] = [];
  for (let at: Checkpoint | null = newest; at && at.number > newest.state.after;) {
    if (at.segment) found.push(at);
    if (at.previous <= newest.state.after) break;
    const number: number = at.previous;
    at = await chain.read(number);
    if (!at) throw lost(chain.partition, `checkpoint ${number} is gone or damaged`);
  }
  return found.reverse();
}

async function feed(
  store: ObjectStore,
  segment: { key: string; size_bytes: number; index_sha256: string },
  names: readonly string[],
  give: (name: string, parts: readonly Uint8Array[]) => void,
): Promise<void> {
  const index = await readSegmentIndex(store, segment);
  if (!index) throw lost(null, `${segment.key} is gone`);
  for (const name of names) {
    const parts = await readStateParts(store, segment.key, index, name);
    if (!parts) throw lost(index.partition, `${segment.key} is gone`);
    if (parts.length > 0) give(name, parts);
  }
}

function lost(partition: number | null, state: string): Fault {
  return new Fault("state_lost", `Cannot restore partition ${partition}: ${state}`, {
    blame: "dependency",
    retry: "never",
  });
}
