/**
 * Looks at the files of `CONFIG_DIR` again and again: what is good counts from then on, what is bad is told once and
 * changes nothing. A file is refused whole, and with it every other edit until it is mended.
 *
 * An edit counts when two looks in a row found the same: an editor that empties a file before it writes it anew would
 * else switch redaction off for a moment.
 */
import type { Clock } from "./clock.ts";
import type { Configuration, FileName } from "./configuration.ts";
import { Fault, messageOf } from "./errors.ts";
import type { LogLine } from "./observe/log_line.ts";

const WATCH_EVERY_MS = 2_000;
/** Is looked at with the others, but taken over by a start only. */
const KINDS: FileName = "kinds.yaml";

export interface WatchParts {
  /** Throws a Fault when a file is bad; gives `current` while no file was edited. */
  load(current: Configuration): Promise<Configuration>;
  /** Awaited before an edit counts. */
  beforeTaking?(next: Configuration): Promise<void>;
  clock: Clock;
  line: LogLine;
  /** Says what is refused and what was taken over: one of those that watch in a program does. */
  tells: boolean;
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

interface Watched {
  current: Configuration;
  seen: string;
  refused: string | null;
}

export function watchConfiguration(first: Configuration, parts: WatchParts): ConfigurationWatch {
  const { clock, signal } = parts;
  const watch = { current: first, seen: first.version, refused: null, ended: Promise.resolve() };
  watch.ended = (async () => {
    while (!signal.aborted) {
      await clock.sleep(WATCH_EVERY_MS, signal).catch(() => undefined);
      await look(watch, parts);
    }
  })();
  return watch;
}

async function look(watch: Watched, { load, beforeTaking, line, tells }: WatchParts): Promise<void> {
  let says = tells;
  try {
    const next = await load(watch.current);
    const isSettled = next.version === watch.seen;
    watch.seen = next.version;
    if (next.version === watch.current.version) {
      if (tells && watch.refused !== null) line.info("the configuration is again what is in force");
    } else if (isSettled) {
      // What fails here is not the same for everybody who watches.
      says = true;
      await beforeTaking?.(next);
      if (tells) tellTaken(watch.current, next, line);
      watch.current = next;
    }
    watch.refused = null;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const reason = messageOf(error);
    if (says && reason !== watch.refused) {
      line.error("the configuration is refused; what was in force stays", { reason });
    }
    watch.refused = reason;
  }
}

function tellTaken(before: Configuration, next: Configuration, line: LogLine): void {
  const edited = (Object.keys(next.files) as FileName[]).filter((name) =>
    next.files[name] !== before.files[name]
  );
  const taken = edited.filter((name) => name !== KINDS);
  if (taken.length > 0) line.info(`took ${taken.join(" and ")} over`);
  for (const name of taken.filter((name) => next.empty.includes(name))) {
    line.warn(emptyWarning(name));
  }
  if (edited.includes(KINDS)) line.warn(`${KINDS} was edited: restart to take it over`);
}

/** An editor's slip is more likely than the wish; `rules: []` would say it. */
export function emptyWarning(name: string): string {
  return `${name} is empty: what it said is no longer in force`;
}
