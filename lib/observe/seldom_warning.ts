/**
 * A warning of which every request may bring one, while a disk is full: told at once, and then every few seconds with how
 * often it came, for each code by itself.
 */
import { type Clock, elapsedMs } from "../clock.ts";
import type { Facts, LogLine } from "./log_line.ts";

const TOLD_EVERY_MS = 5_000;

export class SeldomWarning {
  /** By code, of which there are few. */
  readonly #told = new Map<string, { at_ms: number; untold: number }>();

  constructor(
    private readonly message: string,
    private readonly parts: { line: Pick<LogLine, "warn">; clock: Pick<Clock, "now"> },
  ) {}

  /** The line that is told has the facts of the last one, and counts those that were not told before it. */
  warn(code: string, facts: Facts): void {
    const { line, clock } = this.parts;
    const before = this.#told.get(code);
    const now = clock.now();
    if (before && elapsedMs(before.at_ms, now) < TOLD_EVERY_MS) {
      before.untold++;
      return;
    }
    const untold = before?.untold ?? 0;
    line.warn(this.message, { ...facts, ...(untold > 0 ? { times: untold + 1 } : {}) });
    this.#told.set(code, { at_ms: now, untold: 0 });
  }
}
