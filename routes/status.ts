/** `/api/status`: how far everything is. Never older than the question: what a client was told is durable counts. */
import { Hono } from "hono";
import type { Env } from "./door.ts";

export interface StatusDeps {
  /** Reads the state of the pipeline; the members are those of INTERFACE. */
  status(): Promise<object>;
}

export function status(deps: StatusDeps): Hono<Env> {
  const read = shared(deps.status);
  return new Hono<Env>().get("/api/status", async (c) => c.json(await read()));
}

/**
 * Lets callers share a reading, but only one that began after they asked: at most one runs and one waits its turn,
 * whatever the number of callers.
 */
export function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<T> | null = null;
  return () => {
    waiting ??= running.catch(() => undefined).then(() => {
      waiting = null;
      const reading = read();
      running = reading;
      return reading;
    });
    return waiting;
  };
}
