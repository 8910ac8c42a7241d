/**
 * Lets the door of the same process go first: a burst is acknowledged at once, and worked off behind it.
 *
 * On Linux each thread has a nice value of its own, and a higher one may always be taken. Alone, a thread gets the whole
 * machine all the same; only when all cores are asked for does it get a tenth of what the door gets. Elsewhere, and
 * where this is not allowed, all threads stay equal: nothing but speed under full load depends on it.
 */
import { getPriority, setPriority } from "node:os";
import { messageOf } from "../lib/errors.ts";
import type { LogLine } from "../lib/observe/log_line.ts";

const NICE = 10;
/** Nobody is nicer. */
const LAST = 19;

export function giveWay(line: LogLine): void {
  if (Deno.build.os !== "linux") return;
  try {
    // 0 is the calling thread.
    setPriority(0, Math.min(LAST, getPriority(0) + NICE));
  } catch (error) {
    line.debug("all threads stay equal", { reason: messageOf(error) });
  }
}
