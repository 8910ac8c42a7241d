/** Asks a broker until it answers: a busy machine may need a while to have its broker and its topics in order. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { eventually } from "../waiting.ts";

export function isAway(error: unknown): boolean {
  return error instanceof Fault && error.blame === "dependency" && error.retry === "after_backoff";
}

export async function atLast<T>(work: () => Promise<T>): Promise<T> {
  const attempt = async (): Promise<{ done: T } | null> => {
    try {
      return { done: await work() };
    } catch (error) {
      assert.ok(isAway(error), String(error));
      return null;
    }
  };
  return (await eventually(attempt, (answer) => answer !== null, { what: "the broker's answer" }))!.done;
}
