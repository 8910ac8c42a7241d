/**
 * The last time that something failed, for as long as it says something of now. A success ends it at once; where nobody
 * tries any more because a proxy looked at our health, it ends by itself, so that they come and try.
 */
import { type Clock, elapsedMs } from "../clock.ts";

const TOLD_MS = 30_000;

export class LastTrouble {
  #last: { at_ms: number; cause: string } | null = null;

  constructor(readonly clock: Pick<Clock, "now">) {}

  failed(cause: string): void {
    this.#last = { at_ms: this.clock.now(), cause };
  }

  succeeded(): void {
    this.#last = null;
  }

  /** Of what lasts; null when nothing does. */
  get cause(): string | null {
    const last = this.#last;
    return last !== null && elapsedMs(last.at_ms, this.clock.now()) < TOLD_MS ? last.cause : null;
  }
}
