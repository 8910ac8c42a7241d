/**
 * Looks at the files of `CONFIG_DIR` again and again: what is good counts from then on, what is bad is told once and
 * changes nothing. A file is refused whole, and with it every other edit until it is mended.
 *
 * An edit counts when two looks in a row found the same: an editor that empties a file before it writes it anew would
 * else switch redaction off for a moment.
 */
import type { Clock } from "./clock.ts";
import type { Configuration } from "./configuration.ts";
import { Fault, messageOf } from "./errors.ts";
import type { LogLine } from "./observe/log_line.ts";

const WATCH_EVERY_MS = 2_000;

export interface WatchParts {
  /** Throws a Fault when a file is bad. */
  load(): Promise<Configuration>;
  /** Awaited before an edit counts. */
  beforeTaking?(next: Configuration): Promise<void>;
  clock: Clock;
  line: LogLine;
  signal: AbortSignal;
}

export interface ConfigurationWatch {
  /** In force now. */
  readonly current: Configuration;
  /** Why the files as they stand are refused; null when they are not. */
  readonly refused: string | null;
  /** Resolves after the signal; rejects when something failed that is no file's fault. */
  readonly ended: Promise<void>;
}

export function watchConfiguration(first: Configuration, parts: WatchParts): ConfigurationWatch {
  const watch = {
    current: first,
    seen: first.version,
    refused: null as string | null,
    ended: Promise.resolve(),
  };
  watch.ended = (async () => {
    while (!parts.signal.aborted) {
      await parts.clock.sleep(WATCH_EVERY_MS, parts.signal).catch(() => undefined);
      try {
        await takeOver(watch, parts);
        watch.refused = null;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        const reason = messageOf(error);
        if (reason !== watch.refused) {
          parts.line.error("a configuration file is refused; what was in force stays", { reason });
        }
        watch.refused = reason;
      }
    }
  })();
  return watch;
}

async function takeOver(
  watch: { current: Configuration; seen: string },
  { load, beforeTaking, line }: WatchParts,
): Promise<void> {
  const next = await load();
  const isSettled = next.version === watch.seen;
  watch.seen = next.version;
  if (!isSettled || next.version === watch.current.version) return;
  await beforeTaking?.(next);
  if (next.kinds_version !== watch.current.kinds_version) {
    line.warn("kinds.yaml was edited: restart to take it over");
  }
  watch.current = next;
}
