/**
 * A checkpoint: the immutable object whose creation decides what a partition has done so far.
 *
 *   checkpoints/<p>/<20-digit n>.json     n = 1, 2, 3, ...; created with If-None-Match; highest number = newest
 *
 * A fence (a claim) is a checkpoint without a segment. Steps and reasons stand in PROTOCOL.md.
 */
import { z } from "zod";
import { anyKeyRecord } from "../any_key_record.ts";
import type { LogIdentity } from "../log/log.ts";

/** Cumulative counts of one source in one partition; control records are left out. */
export interface SourceCounts {
  accepted: number;
  rows: number;
  duplicates: number;
  dead_letters: number;
  unmapped: number;
  of_which_late: number;
}

export function noCounts(): SourceCounts {
  return { accepted: 0, rows: 0, duplicates: 0, dead_letters: 0, unmapped: 0, of_which_late: 0 };
}

const Counts = z.object({
  accepted: z.number(),
  rows: z.number(),
  duplicates: z.number(),
  dead_letters: z.number(),
  unmapped: z.number(),
  of_which_late: z.number(),
});

export const CHECKPOINT_FORMAT = 1;

const Checkpoint = z.object({
  format: z.literal(CHECKPOINT_FORMAT),
  partition: z.number().int(),
  number: z.number().int(),
  /** The checkpoint that this one builds on (0: none); numbers in between were passed over as damaged. */
  previous: z.number().int(),
  /** Distinguishes our own create from anybody else's when an answer was lost. */
  write_id: z.string(),
  epoch: z.number().int(),
  log: z.object({ id: z.string(), partitions: z.number().int() }),
  /** First offset of the segment; equals next_offset for a fence. */
  first_offset: z.number().int(),
  next_offset: z.number().int(),
  /** Milliseconds, null before the partition's first row. */
  watermark_ms: z.number().nullable(),
  /** Highest received_at seen (log time). */
  log_time_ms: z.number().nullable(),
  segment: z.object({
    key: z.string(),
    size_bytes: z.number(),
    /** sha256 of the segment's index, which holds the hashes of all its parts. */
    index_sha256: z.string(),
  }).nullable(),
  /** Where the state is: the last full image, and the numbers of the checkpoints whose segments changed it since. */
  state: z.object({
    image: z.object({ key: z.string(), size_bytes: z.number(), index_sha256: z.string() }).nullable(),
    /** The checkpoint from whose segment on changes count (exclusive: everything after this number). */
    after: z.number().int(),
    /** Bytes of changes since the image, to decide when a new one pays. */
    changed_bytes: z.number(),
  }),
  /** For each table: rows in this segment, and the last earlier checkpoint that had rows for it (0: none). */
  tables: z.record(z.string(), z.object({ rows: z.number().int(), previous: z.number().int() })),
  /** For each table ever written: the newest checkpoint with rows for it (this one included), and all its rows so far. */
  totals: z.record(z.string(), z.object({ newest: z.number().int(), rows: z.number().int() })),
  /** Days that the segment's rows touch: so many files of each table at most. Absent where an earlier program decided. */
  days: z.number().int().optional(),
  /** The newest checkpoint that holds events (not only control records); what `settled` waits for. */
  newest_with_events: z.number().int(),
  /** Cumulative since the partition's beginning, per source. */
  sources: anyKeyRecord(Counts),
  /** Version (hash) and file hash of the rules and settings last taken over. */
  taken_over: z.record(z.string(), z.string()),
  /** Firings held back by cool-downs since the last alert, by rule. Absent where an earlier program decided. */
  suppressed: z.record(z.string(), z.number()).optional(),
  decided_at: z.number(),
});

export type Checkpoint = z.infer<typeof Checkpoint>;

export type CheckpointReading =
  | { state: "good"; checkpoint: Checkpoint }
  /** Written by a version of the program that we do not know: refused, never passed over. */
  | { state: "unknown_format"; format: unknown }
  | { state: "damaged"; reason: string };

/** The bytes are the checkpoint as JSON and a line with their hash, so that a cut or flipped byte is seen. */
export function encodeCheckpoint(checkpoint: Checkpoint, sha256: (text: string) => string): Uint8Array {
  const text = JSON.stringify(checkpoint);
  return new TextEncoder().encode(`${text}\n${sha256(text)}\n`);
}

export function decodeCheckpoint(bytes: Uint8Array, sha256: (text: string) => string): CheckpointReading {
  const [text, hash] = new TextDecoder().decode(bytes).split("\n");
  if (hash === undefined || sha256(text) !== hash) return { state: "damaged", reason: "hash does not match" };
  const json: unknown = JSON.parse(text);
  const format = (json as { format?: unknown }).format;
  if (format !== CHECKPOINT_FORMAT) return { state: "unknown_format", format };
  const parsed = Checkpoint.safeParse(json);
  return parsed.success
    ? { state: "good", checkpoint: parsed.data }
    : { state: "damaged", reason: parsed.error.message };
}

export function sameLog(a: LogIdentity, b: LogIdentity): boolean {
  return a.id === b.id && a.partitions === b.partitions;
}
