/**
 * The chain of a partition's checkpoints in the store: who is newest, claiming, deciding.
 *
 *   ... ── n-1 ── n ── n+1 (fence, epoch+1) ── n+2 ...
 *                        ^ claim: from here on the old owner's decisions lose, because their number is taken
 *
 * Newest is always the highest number of a full listing. A create that won is believed only after one more listing
 * shows nothing higher: numbers that were collected can be won again.
 */
import { hash } from "node:crypto";
import { Fault, messageOf } from "../errors.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { checkpointKey, checkpointNumber, checkpointPrefix } from "./paths.ts";

const sha256 = (text: string) => hash("sha256", text, "hex");

/** The newest good checkpoint, and the numbers above it that cannot be read. */
export interface ChainHead {
  /** Highest number that exists, good or damaged; 0 for an untouched partition. */
  highest: number;
  /** The newest that can be read; null when there is none. */
  checkpoint: Checkpoint | null;
  damaged: readonly { number: number; reason: string }[];
}

export type Attempt = { outcome: "won" } | { outcome: "lost"; by: Checkpoint | null };

const CREATE_TRIES = 50;
/** The newest may be collected between listing and reading only when newer ones came: then the next look succeeds. */
const LOOKS = 5;

export class CheckpointChain {
  /** Decided checkpoints never change: each is read once. */
  readonly #known = new Map<number, Checkpoint>();

  constructor(
    readonly store: ObjectStore,
    readonly partition: number,
    readonly pause: (attempt: number) => Promise<void>,
  ) {}

  /** All numbers that exist, ascending. */
  async numbers(): Promise<number[]> {
    const found = await this.#beyond(0);
    this.#forgetBelow(found[0] ?? 0);
    return found;
  }

  /** All that exist and are higher than `number`, ascending. */
  async #beyond(number: number): Promise<number[]> {
    const found: number[] = [];
    const after = checkpointKey(this.partition, number);
    for await (const entry of this.store.list(checkpointPrefix(this.partition), after)) {
      const number = checkpointNumber(entry.key);
      if (number !== null) found.push(number);
    }
    return found.sort((a, b) => a - b);
  }

  #forgetBelow(number: number): void {
    for (const known of this.#known.keys()) if (known < number) this.#known.delete(known);
  }

  /** A checkpoint by number; null when it is gone or damaged (`onDamage` hears of it). */
  async read(number: number, onDamage?: (reason: string) => void): Promise<Checkpoint | null> {
    const known = this.#known.get(number);
    if (known) return known;
    const bytes = await this.store.read(checkpointKey(this.partition, number));
    if (bytes === null) return null;
    const reading = readingOf(bytes);
    if (reading.state === "unknown_format") {
      throw new Fault(
        "checkpoint_unknown_format",
        `Cannot read checkpoint ${number} of partition ${this.partition}: it was written by another version (format ${reading.format})`,
        { blame: "us", retry: "never" },
      );
    }
    if (reading.state === "damaged") {
      onDamage?.(reading.reason);
      return null;
    }
    this.#known.set(number, reading.checkpoint);
    return reading.checkpoint;
  }

  async head(): Promise<ChainHead> {
    for (let look = 1; look <= LOOKS; look++) {
      const numbers = await this.numbers();
      const damaged: { number: number; reason: string }[] = [];
      for (let i = numbers.length - 1; i >= 0; i--) {
        const checkpoint = await this.read(
          numbers[i],
          (reason) => damaged.push({ number: numbers[i], reason }),
        );
        if (checkpoint) return { highest: numbers.at(-1)!, checkpoint, damaged };
      }
      if (damaged.length === numbers.length) {
        return { highest: numbers.at(-1) ?? 0, checkpoint: null, damaged };
      }
    }
    throw new Fault(
      "checkpoints_unreadable",
      `Cannot read the checkpoints of partition ${this.partition}: the newest keep vanishing`,
      { blame: "dependency", retry: "after_backoff" },
    );
  }

  /**
   * The commit point: creates `checkpoint` under its number. An answer that was lost is asked again with the same bytes
   * until the number is taken, then told apart by `write_id`. Nothing may be deleted meanwhile.
   */
  async attempt(checkpoint: Checkpoint): Promise<Attempt> {
    const key = checkpointKey(this.partition, checkpoint.number);
    const bytes = encodeCheckpoint(checkpoint, sha256);
    for (let attempt = 1;; attempt++) {
      const created = await this.store.create(key, bytes);
      if (created === "created") break;
      if (created === "taken") {
        const there = await this.read(checkpoint.number);
        if (there?.write_id !== checkpoint.write_id) return { outcome: "lost", by: there };
        break;
      }
      if (attempt === CREATE_TRIES) {
        throw new Fault("decision_unknown", `Cannot decide checkpoint ${key}: the store does not answer`, {
          blame: "dependency",
          retry: "after_backoff",
        });
      }
      await this.pause(attempt);
    }
    const highest = (await this.#beyond(checkpoint.number)).at(-1);
    if (highest !== undefined) return { outcome: "lost", by: await this.read(highest) };
    this.#forgetBelow(checkpoint.number);
    this.#known.set(checkpoint.number, checkpoint);
    return { outcome: "won" };
  }
}

/** A checkpoint cut in half may not even be JSON: that is damage as well. */
function readingOf(bytes: Uint8Array) {
  try {
    return decodeCheckpoint(bytes, sha256);
  } catch (error) {
    return { state: "damaged" as const, reason: messageOf(error) };
  }
}
