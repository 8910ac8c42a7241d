/** Lets a few in at a time; the others wait in order, for a bounded time and in a bounded number. */
import { Fault } from "../errors.ts";

interface Waiting {
  enter(): void;
  refuse(reason: unknown): void;
}

export class WaitingLine {
  #free: number;
  #waiting: Waiting[] = [];

  constructor(places: number, private readonly maxWaiting: number) {
    this.#free = places;
  }

  /** Resolves when it is one's turn; dispose of what it gives to let the next one in. */
  async turn(wait_ms: number, signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(wait_ms, signal);
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (!left) this.#leave();
        left = true;
      },
    };
  }

  /** Turns away everybody who waits. */
  close(): void {
    for (const one of this.#waiting.splice(0)) one.refuse(busy("it is closing"));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next.enter();
    else this.#free++;
  }

  #wait(wait_ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.maxWaiting) {
      return Promise.reject(busy(`${this.#waiting.length} others wait already`));
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
        this.#waiting = this.#waiting.filter((other) => other !== one);
      };
      const one: Waiting = {
        enter: () => (leave(), resolve()),
        refuse: (reason) => (leave(), reject(reason)),
      };
      const timer = setTimeout(() => one.refuse(busy(`its turn did not come within ${wait_ms} ms`)), wait_ms);
      const stop = () => one.refuse(signal!.reason);
      signal?.addEventListener("abort", stop, { once: true });
      this.#waiting.push(one);
    });
  }
}

function busy(state: string): Fault {
  return new Fault("timeout", `Cannot start the query: ${state}`, {
    blame: "dependency",
    retry: "after_backoff",
  });
}
