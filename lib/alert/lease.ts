/**
 * One leader among several programs, by leases in the store. No two clocks are compared: a follower takes over when the
 * newest lease did not change for its whole length by the follower's own clock, and the leader stops at that length
 * after it began to renew, by its own. Whose clock was set back since then knows nothing of that length any more: a leader
 * looks who leads, a follower begins to wait.
 */
import { type Clock, elapsedMs } from "../clock.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { createNext, readNewest } from "./numbered.ts";

const PREFIX = "leases/notify/";

export class Lease {
  readonly #holder = crypto.randomUUID();
  #seen = { number: -1, at: 0 };
  /** When we began to renew it last. */
  #since = -Infinity;

  constructor(
    private readonly store: ObjectStore,
    private readonly clock: Clock,
    readonly length_ms: number,
  ) {}

  /** Whether what is begun now may still be done. */
  get held(): boolean {
    return elapsedMs(this.#since, this.clock.now()) < this.length_ms;
  }

  /** Takes or renews it when that is due; to be called several times within its length, never twice at once. */
  async keep(): Promise<boolean> {
    const began = this.clock.now();
    if (elapsedMs(this.#since, began) < this.length_ms / 2) return true;
    const { number, value } = await readNewest(this.store, PREFIX);
    if (number !== this.#seen.number || began < this.#seen.at) this.#seen = { number, at: began };
    const isOwn = holderOf(value) === this.#holder;
    const isFree = number === 0 || holderOf(value) === null || began - this.#seen.at >= this.length_ms;
    if (!isOwn && !isFree) return false;
    const renewed = { holder: this.#holder, number: number + 1, length_ms: this.length_ms };
    if (!await createNext(this.store, PREFIX, { after: number, value: renewed })) return false;
    this.#since = began;
    return this.held;
  }

  /** Lets others in at once. */
  async release(): Promise<void> {
    if (!this.held) return;
    this.#since = -Infinity;
    const { number, value } = await readNewest(this.store, PREFIX);
    if (holderOf(value) !== this.#holder) return;
    await createNext(this.store, PREFIX, { after: number, value: { holder: null, by: this.#holder } });
  }
}

function holderOf(value: unknown): string | null {
  return typeof value === "object" && value !== null && "holder" in value && typeof value.holder === "string"
    ? value.holder
    : null;
}
