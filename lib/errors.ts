/** One shape for every failure: who is at fault, and whether trying again can help. */

export type Blame = "sender" | "dependency" | "us";
export type Retry = "never" | "after_backoff" | "after_refresh";

/** A field that made an input unacceptable. */
export interface FieldFault {
  field: string;
  code: string;
  expected?: string;
  actual?: string;
}

export interface FaultDetails {
  blame: Blame;
  retry: Retry;
  cause?: unknown;
  fields?: readonly FieldFault[];
}

/**
 * A failure that is part of the contract. Routes map `blame` to a status, workers map `retry` to an action.
 * A bug is not a Fault: it is a TypeError or RangeError, crashes its worker, and the supervisor starts it again.
 */
export class Fault extends Error {
  override name = "Fault";
  readonly blame: Blame;
  readonly retry: Retry;
  readonly fields: readonly FieldFault[];

  /** `code` is a short word for machines; `message` reads "Cannot <verb> <thing>: <state>". */
  constructor(readonly code: string, message: string, details: FaultDetails) {
    super(message, { cause: details.cause });
    this.blame = details.blame;
    this.retry = details.retry;
    this.fields = details.fields ?? [];
  }
}

/** The text of anything thrown, for log lines. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
