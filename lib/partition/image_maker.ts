/**
 * A full image of the state, made piece by piece between batches of records, so that no checkpoint waits for it.
 *
 *   checkpoint n ─► frozen here ─► piece ─ records ─ piece ─ records ─ ... ─► checkpoint n + k names it, "after n"
 *
 * Until it is named, restores go on from the image before; what the checkpoints after n changed is read after it.
 */
import { type FinishedSegment, SegmentWriter } from "../checkpoint/segment.ts";

export class ImageMaker {
  readonly #writer = new SegmentWriter();
  readonly #pieces: Iterator<readonly [name: string, bytes: Uint8Array]>;
  #done = false;

  /** `after`: the checkpoint whose state it is. */
  constructor(readonly after: number, states: Readonly<Record<string, Iterable<Uint8Array>>>) {
    this.#pieces = piecesOf(states);
  }

  /** Whether nothing is left to be made. */
  get done(): boolean {
    return this.#done;
  }

  /** Makes the next piece. */
  step(): void {
    if (this.#done) return;
    const next = this.#pieces.next();
    if (next.done) this.#done = true;
    else this.#writer.addState(...next.value);
  }

  finish(range: { partition: number; first_offset: number; next_offset: number }): FinishedSegment {
    return this.#writer.finish(range);
  }
}

function* piecesOf(
  states: Readonly<Record<string, Iterable<Uint8Array>>>,
): Generator<readonly [string, Uint8Array], void, void> {
  for (const [name, pieces] of Object.entries(states)) for (const bytes of pieces) yield [name, bytes];
}
