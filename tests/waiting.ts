/**
 * Waiting in tests: for a condition and not for a time, with a patience that a machine much slower than ours, busy with
 * other things, does not exceed. Patience costs nothing where the condition holds.
 */

const PATIENCE_MS = 300_000;
const EVERY_MS = 20;

export interface Waiting {
  /** What is waited for, told when it never comes. */
  what?: string;
  every_ms?: number;
  patience_ms?: number;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks again and again until the answer is right, and gives it; else says what the last one was. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  isRight: (answer: T) => boolean = Boolean,
  { what = "this", every_ms = EVERY_MS, patience_ms = PATIENCE_MS }: Waiting = {},
): Promise<T> {
  const deadline = Date.now() + patience_ms;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`${what} never comes: ${Deno.inspect(answer)}`);
    await pause(every_ms);
  }
}

/** The promise's outcome, unless it is later than patience allows. */
export async function inTime<T>(promise: Promise<T>, what: string, patience_ms = PATIENCE_MS): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} never comes`)), patience_ms);
  return await Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}
