/** What the edge and the keeper of its log say to each other. */
import { Fault } from "../errors.ts";
import type { Frame } from "./commit_row.ts";

export type KeeperRequest =
  | { kind: "commit"; id: number; path: string; partitions: number; frames: readonly Frame[] }
  | { kind: "close"; id: number };

export type KeeperAnswer = { id: number; offsets: number[] } | { id: number; fault: DescribedFault };

/** A Fault as it crosses between threads, where a class would be lost. */
export interface DescribedFault {
  code: string;
  message: string;
  blame: Fault["blame"];
  retry: Fault["retry"];
}

/** Anything but a Fault is a bug and is thrown on: it ends the thread. */
export function describeFault(error: unknown): DescribedFault {
  if (!(error instanceof Fault)) throw error;
  return { code: error.code, message: error.message, blame: error.blame, retry: error.retry };
}

export function faultOf({ code, message, blame, retry }: DescribedFault): Fault {
  return new Fault(code, message, { blame, retry });
}
