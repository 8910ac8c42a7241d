/**
 * The last time that something failed, for as long as it says something of now. A success ends it at once; where nobody
 * tries any more because a proxy looked at our health, it ends by itself, so that they come and try.
 */
import type { Clock } from "../clock.ts";

const TOLD_MS = 30_000;

export class LastTrouble {
  #at_ms: number | null = null;

  constructor(readonly clock: Pick<Clock, "now">) {}

  failed(): void {
    this.#at_ms = this.clock.now();
  }

  succeeded(): void {
    this.#at_ms = null;
  }

  get lasts(): boolean {
    return this.#at_ms !== null && this.clock.now() - this.#at_ms < TOLD_MS;
  }
}
