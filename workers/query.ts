/**
 * A query process: runs one untrusted query at a time for whoever started it, and ends with its parent.
 *
 * Started with no permission but `ffi` and an empty environment; speaks the frames of lib/query/message.ts over its
 * standard streams. It ends itself when it outgrows its memory, and when its input ends.
 */
import { runQueryProcess } from "../lib/query/query_process.ts";

await runQueryProcess(Deno.stdin.readable, Deno.stdout.writable, {
  exit: (code) => Deno.exit(code),
  residentBytes: () => Deno.memoryUsage().rss,
});
