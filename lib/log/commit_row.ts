/**
 * How one commit is one row, whatever number of partitions it is for: the row is what a commit costs.
 *
 *   places   for each partition: next offset f64 | count u32 | length u32        (little endian)
 *   bytes    the frames of those with a count, one after the other, lowest partition first
 *
 * The next offsets stand in every row, so that the newest row alone tells where each partition ends, and that rows can be
 * searched for an offset of any partition. What is large does not share a row: who reads one partition reads little of others.
 */

/** A batch that is framed and not yet stored. */
export interface Frame {
  partition: number;
  count: number;
  /** Highest received_at in it, for retention. */
  newest_ms: number;
  bytes: Uint8Array;
}

export interface CommitRow {
  /** Highest received_at up to here, rows before this one included: it never falls. */
  newest_ms: number;
  places: Uint8Array;
  bytes: Uint8Array;
}

/** What a row says of one partition. */
export interface Place {
  next_offset: number;
  /** Records of it in this row; 0 when the row is of others. */
  count: number;
  /** Where in the row's bytes its frame lies. */
  at: number;
  length: number;
}

const PLACE_BYTES = 16;
const SHARED_ROW_BYTES = 64 * 1024;

/** Of partitions without a record. */
export function noPlaces(next_offsets: readonly number[]): Uint8Array {
  return writePlaces(next_offsets, new Map());
}

export function nextOffset(places: Uint8Array, partition: number): number {
  return viewOf(places).getFloat64(partition * PLACE_BYTES, true);
}

export function nextOffsets(places: Uint8Array): number[] {
  return Array.from({ length: places.length / PLACE_BYTES }, (_, partition) => nextOffset(places, partition));
}

export function placeOf(places: Uint8Array, partition: number): Place {
  const view = viewOf(places);
  let at = 0;
  for (let lower = 0; lower < partition; lower++) at += view.getUint32(lower * PLACE_BYTES + 12, true);
  const start = partition * PLACE_BYTES;
  return {
    next_offset: view.getFloat64(start, true),
    count: view.getUint32(start + 8, true),
    at,
    length: view.getUint32(start + 12, true),
  };
}

/** The rows that follow `last`, and the offset of the first record of each frame. */
export function rowsOf(
  last: Pick<CommitRow, "newest_ms" | "places">,
  frames: readonly Frame[],
): { rows: CommitRow[]; bases: number[] } {
  const next = nextOffsets(last.places);
  const rows: CommitRow[] = [];
  let newest_ms = last.newest_ms;
  let shared = new Map<number, Frame>();
  let bytes = 0;
  const end = () => {
    rows.push({ newest_ms, places: writePlaces(next, shared), bytes: joined(shared, bytes) });
    shared = new Map();
    bytes = 0;
  };
  const bases = frames.map((frame) => {
    const isFull = bytes > 0 && bytes + frame.bytes.length > SHARED_ROW_BYTES;
    if (isFull || shared.has(frame.partition)) end();
    shared.set(frame.partition, frame);
    bytes += frame.bytes.length;
    newest_ms = Math.max(newest_ms, frame.newest_ms);
    return (next[frame.partition] += frame.count) - frame.count;
  });
  if (shared.size > 0) end();
  return { rows, bases };
}

function writePlaces(next_offsets: readonly number[], frames: ReadonlyMap<number, Frame>): Uint8Array {
  const places = new Uint8Array(next_offsets.length * PLACE_BYTES);
  const view = viewOf(places);
  next_offsets.forEach((next, partition) => {
    const at = partition * PLACE_BYTES;
    const frame = frames.get(partition);
    view.setFloat64(at, next, true);
    view.setUint32(at + 8, frame?.count ?? 0, true);
    view.setUint32(at + 12, frame?.bytes.length ?? 0, true);
  });
  return places;
}

function joined(frames: ReadonlyMap<number, Frame>, length: number): Uint8Array {
  const inOrder = [...frames.values()].sort((a, b) => a.partition - b.partition);
  if (inOrder.length === 1) return inOrder[0].bytes;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const frame of inOrder) {
    bytes.set(frame.bytes, at);
    at += frame.bytes.length;
  }
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
