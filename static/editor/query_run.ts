/** One press of Run: statements in order, each against fresh tables, until the end, a fault or a cancel. */
import { messageOf } from "../../lib/errors.ts";
import { FileGone, type Lake, type Moment, type Prepared } from "../engine/lake.ts";
import { Result, type Rows } from "../engine/result.ts";
import type { EngineSession } from "../engine/session.ts";
import { isRead, type Statement } from "../sql/statements.ts";

/** Rows kept of one result; beyond, the statement is stopped and the page says so. */
export const MAX_ROWS = 1_000_000;

/** A statement with its parameters in place, and the way back from a place in it to the editor. */
export interface RunnableStatement extends Statement {
  toSource(offset: number): number;
}

export interface Outcome {
  statement: RunnableStatement;
  /** Null for a statement that gives no rows. */
  result: Rows | null;
  /** What was read; null when the server ran it. */
  prepared: Prepared | null;
  elapsed_ms: number;
}

export interface RunEvents {
  /** A result has its columns; rows follow. */
  started(result: Result): void;
  /** The result has more rows. */
  grown(result: Result): void;
}

/** A statement failed; the ones before it have run. */
export class StatementFault extends Error {
  override name = "StatementFault";
  constructor(readonly statement: RunnableStatement, override readonly cause: unknown) {
    super(messageOf(cause));
  }
}

export class QueryRunner {
  constructor(readonly session: EngineSession, readonly lake: Lake) {}

  /** Runs all statements; rejects with StatementFault or Cancelled. */
  async run(
    statements: readonly RunnableStatement[],
    moment: Moment,
    signal: AbortSignal,
    events: RunEvents,
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const statement of statements) {
      outcomes.push(
        await this.session.exclusive(() => this.#withFreshFiles(statement, moment, signal, events)),
      );
    }
    return outcomes;
  }

  /**
   * Once more with a new list when files went away in between: compaction replaces them, expiry deletes them. After any
   * other fault that is not the statement's own, what was read may be broken, so it is read anew next time.
   */
  async #withFreshFiles(
    statement: RunnableStatement,
    moment: Moment,
    signal: AbortSignal,
    events: RunEvents,
  ): Promise<Outcome> {
    try {
      return await this.#one(statement, moment, signal, events);
    } catch (error) {
      if (signal.aborted || !(error instanceof StatementFault) || isOwnFault(error.message)) throw error;
      await this.lake.forgetFiles();
      if (!isGone(error.cause) || !isRead(statement)) throw error;
      return await this.#one(statement, moment, signal, events);
    }
  }

  async #one(
    statement: RunnableStatement,
    moment: Moment,
    signal: AbortSignal,
    events: RunEvents,
  ): Promise<Outcome> {
    const started = performance.now();
    try {
      const engine = await this.session.engine();
      const { prepared, result } = await this.session.guarded(engine, signal, async () => {
        const prepared = await this.lake.prepare(statement.text, moment, signal);
        const result = await this.#rows(statement, signal, events);
        prepared.fetched_bytes += await this.lake.takeRangeBytes();
        return { prepared, result };
      });
      return { statement, result, prepared, elapsed_ms: performance.now() - started };
    } catch (error) {
      if (error instanceof Error && (error.name === "Cancelled" || error.name === "AbortError")) throw error;
      throw new StatementFault(statement, error);
    }
  }

  async #rows(statement: Statement, signal: AbortSignal, events: RunEvents): Promise<Result | null> {
    let result: Result | null = null;
    await this.session.run(statement.text, {
      signal,
      onSchema: (schema) => {
        if (!isRead(statement)) return;
        result = new Result(schema);
        events.started(result);
      },
      onBatch: (batch) => {
        if (!result) return true;
        const isAll = result.addUpTo(batch, MAX_ROWS);
        events.grown(result);
        return isAll;
      },
    });
    return result;
  }
}

/** The statement is wrong, whatever the files hold. */
function isOwnFault(message: string): boolean {
  return /^(Parser|Syntax|Binder|Catalog|Conversion|Invalid Input|Out of Range|Not implemented|Constraint) Error/i
    .test(message);
}

/** Files that are read by ranges say it in the engine's words. */
function isGone(error: unknown): boolean {
  return error instanceof FileGone ||
    (error instanceof Error && /\b(404|410)\b.*lake\/|lake\/.*\b(404|410)\b/s.test(error.message));
}
