/**
 * A conversation with the engine that survives it: statements run one after the other, a cancel always works, and
 * when the engine must be killed the next statement starts another.
 *
 *   cancel ──► ask the engine ──250 ms──► still running: kill the worker, generation + 1
 *
 * Whoever registered files or made views looks at `generation` to know that they are gone.
 */
import type { RecordBatch, Schema } from "./arrow.ts";
import type { Engine } from "./engine.ts";

const KILL_AFTER_MS = 250;
/** The work itself says better how it was cancelled, when it can. */
const LEAVE_AFTER_MS = 500;

/** The statement was cancelled by the person or by the page; not a fault. */
export class Cancelled extends Error {
  override name = "Cancelled";
  /** `restarted`: the engine had to be killed, and what lived only in it (temporary tables) is gone. */
  constructor(readonly restarted: boolean) {
    super(restarted ? "Cancelled; the engine was restarted" : "Cancelled");
  }
}

export interface RunOptions {
  signal?: AbortSignal;
  onSchema?: (schema: Schema) => void;
  /** Returns false to stop early: the rest of the rows is not computed. */
  onBatch?: (batch: RecordBatch) => boolean;
}

export class EngineSession {
  generation = 0;
  #engine: Promise<Engine> | null = null;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(readonly startEngine: () => Promise<Engine>) {}

  /** The engine, started when it is not there. */
  engine(): Promise<Engine> {
    if (!this.#engine) {
      const starting = this.#begin();
      this.#engine = starting;
      starting.catch(() => {
        if (this.#engine === starting) this.#engine = null;
      });
    }
    return this.#engine;
  }

  async #begin(): Promise<Engine> {
    this.generation += 1;
    return await this.startEngine();
  }

  /** Runs `work` alone on the engine: whatever it sends is not mixed with other people's statements. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work, work);
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  /** Runs one statement to its end inside `exclusive`, giving rows as they come. */
  async run(sql: string, options: RunOptions = {}): Promise<void> {
    const engine = await this.engine();
    const signal = options.signal ?? new AbortController().signal;
    await this.guarded(engine, signal, async () => {
      const stream = await engine.send(sql);
      options.onSchema?.(stream.schema);
      for await (const batch of stream.batches) {
        if (signal.aborted) break;
        if (options.onBatch?.(batch) === false) {
          await engine.cancel();
          break;
        }
      }
    });
  }

  /** Waits for `work`, and no longer than KILL_AFTER_MS past an abort. May stand in another `guarded`. */
  async guarded<T>(engine: Engine, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw new Cancelled(false);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let onAbort = () => {};
    const killed = new Promise<never>((_, reject) => {
      onAbort = () => {
        engine.cancel().catch(() => undefined);
        timer = setTimeout(() => {
          this.#kill(engine);
          reject(new Cancelled(true));
        }, KILL_AFTER_MS);
      };
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      const result = await Promise.race([work(), killed]);
      if (signal.aborted) throw new Cancelled(false);
      return result;
    } catch (error) {
      if (signal.aborted && !(error instanceof Cancelled)) throw new Cancelled(false);
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Ends the engine, unless another has taken its place, and starts the next, which then is ready when it is needed. */
  async #kill(engine: Engine): Promise<void> {
    const current = this.#engine;
    if (!current || await current !== engine || this.#engine !== current) return;
    this.#engine = null;
    engine.terminate();
    this.engine().catch(() => undefined);
  }
}

/** Waits for `work` until the signal aborts, whatever it hangs on: an engine that starts, a network that is cut. */
export async function orCancelled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const end = Promise.withResolvers<never>();
  const onAbort = () => setTimeout(() => end.reject(new Cancelled(false)), LEAVE_AFTER_MS);
  signal.addEventListener("abort", onAbort, { once: true });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, end.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
