/** What a command is: its names, one sentence, and what it does with arguments and settings. */
import type { Settings } from "../lib/config.ts";

export interface Invocation {
  name: string;
  args: readonly string[];
  settings: Settings;
  /** Names of the environment that are not empty, for commands with defaults of their own. */
  given: ReadonlySet<string>;
}

export interface Command {
  names: readonly string[];
  usage: string;
  doc: string;
  /** Lines for `help <command>` about what usage and doc leave open. */
  more?: readonly string[];
  /** Works on a lake that is there: without settings that say which, and none in `data`, the one of `dev`. */
  on_lake?: true;
  /** The exit status: 0 done, 1 failed, 2 wrong usage. */
  run(invocation: Invocation): Promise<number>;
}
