/** Rebuilding a partition's state from its last full image and the changes of every checkpoint since. */
import { Fault } from "../errors.ts";
import type { CheckpointChain } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { decompressed, readSegmentIndex, readStateParts, type SegmentReference } from "./segment.ts";

/** Receives state parts in order: one image (or none), then changes, oldest first. */
export interface StateReceiver {
  /** The pieces of an image in order, each made as it is asked for. */
  image(name: string, pieces: Iterable<Uint8Array>): void;
  change(name: string, bytes: Uint8Array): void;
}

/** On an object store a segment costs waiting, not work: so many are fetched before the first of them is taken in. */
const SEGMENTS_AHEAD = 8;
const CHECKPOINTS_AT_ONCE = 32;

/** Parts of one state as they are stored, in order. */
interface StoredState {
  name: string;
  parts: readonly Uint8Array[];
}

/** Feeds `receiver` all that `newest` refers to. `names` are the state parts, in the order in which they are applied. */
export async function restoreState(
  chain: CheckpointChain,
  newest: Checkpoint,
  names: readonly string[],
  receiver: StateReceiver,
): Promise<void> {
  const { image } = newest.state;
  if (image) {
    // One state at a time: an image may be most of what fits into memory.
    for await (const { name, parts } of states(chain, image, names)) {
      receiver.image(name, decompressed(parts));
    }
  }
  const segments = (await changesSince(chain, newest)).map((checkpoint) => checkpoint.segment!);
  const fetch = (segment: SegmentReference) => Array.fromAsync(states(chain, segment, names));
  for await (const changes of inOrder(segments, fetch)) {
    for (const { name, parts } of changes) {
      for (const bytes of decompressed(parts)) receiver.change(name, bytes);
    }
  }
}

/** Checkpoints with a segment after the image, oldest first, by following `previous` (damaged ones are not in it). */
async function changesSince(chain: CheckpointChain, newest: Checkpoint): Promise<Checkpoint[]> {
  await readAhead(chain, newest.state.after + 1, newest.number);
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

/** Many at once, for the chain remembers them. What cannot be read is told by whoever follows the chain to it. */
async function readAhead(chain: CheckpointChain, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += CHECKPOINTS_AT_ONCE) {
    const count = Math.min(CHECKPOINTS_AT_ONCE, to - first);
    await Promise.all(Array.from({ length: count }, (_, i) => chain.read(first + i)));
  }
}

/** States of a segment by `names`, as far as it has them. */
async function* states(
  { store, partition }: CheckpointChain,
  segment: SegmentReference,
  names: readonly string[],
): AsyncGenerator<StoredState, void, void> {
  const index = await readSegmentIndex(store, segment);
  if (!index) throw lost(partition, `${segment.key} is gone`);
  for (const name of names) {
    const parts = await readStateParts(store, segment.key, index, name);
    if (!parts) throw lost(partition, `${segment.key} is gone`);
    if (parts.length > 0) yield { name, parts };
  }
}

/** What `get` makes of each, in order, some of them under way at a time. */
async function* inOrder<T, R>(
  list: readonly T[],
  get: (one: T) => Promise<R>,
): AsyncGenerator<R, void, void> {
  const underWay: Promise<R>[] = [];
  try {
    for (let next = 0; next < list.length || underWay.length > 0;) {
      while (next < list.length && underWay.length < SEGMENTS_AHEAD) {
        const one = get(list[next++]);
        // Heard when its turn comes.
        one.catch(() => undefined);
        underWay.push(one);
      }
      yield await underWay.shift()!;
    }
  } finally {
    await Promise.allSettled(underWay);
  }
}

function lost(partition: number, state: string): Fault {
  return new Fault("state_lost", `Cannot restore partition ${partition}: ${state}`, {
    blame: "dependency",
    retry: "never",
  });
}
