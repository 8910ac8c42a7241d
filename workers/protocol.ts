/** The messages between the program and its workers. */
import type { Settings } from "../lib/config.ts";
import type { Sample } from "../lib/observe/metrics.ts";

/** What a worker is told first; it answers `ready` when it does its work. */
export interface StartMessage {
  type: "start";
  settings: Settings;
  role: string;
  /** Which of how many workers of its kind. */
  index: number;
  count: number;
  /** There is a door in this process, which goes first. */
  gives_way: boolean;
}

/** Something happened that other workers may act on at once; whoever misses it finds out by itself a little later. */
export type Notice =
  | { name: "decided"; partition: number; number: number }
  | { name: "published"; table: string }
  | { name: "rules"; detail: string };

export type ToWorker = StartMessage | { type: "stop" } | { type: "notice"; notice: Notice };

export type FromWorker =
  | { type: "ready" }
  | { type: "metrics"; samples: readonly Sample[] }
  | { type: "notice"; notice: Notice }
  /** The work failed; another worker may get further. */
  | { type: "failed"; reason: string }
  /** No restart mends this: the reason goes to people and the program ends. */
  | { type: "fatal"; reason: string }
  /** What an orderly stop still waits for. */
  | { type: "waiting"; reason: string }
  | { type: "stopped" };
