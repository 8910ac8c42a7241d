/**
 * One query process as its parent sees it: start, ask one thing at a time, interrupt, kill.
 *
 *   idle ── run ──► busy ── answer ──► idle
 *                    │  interrupt, then kill 1 s later
 *                    └── death (kill, memory, crash) ──► dead, never used again
 */
import { Fault } from "../errors.ts";
import type { QueryColumn, QueryRequest, QueryResult } from "./engine.ts";
import { encodeFrame, type Frame, readFrames } from "./frames.ts";
import { faultOf, type FromChild, OVER_MEMORY_EXIT, type SessionLimits, type ToChild } from "./message.ts";

export interface ChildCommand {
  /** The Deno executable. */
  deno: string;
  /** Address or path of workers/query.ts. */
  script: string;
  /** All that the process's environment holds. */
  environment: Readonly<Record<string, string>>;
  /** Told what a process wrote before it ended by itself: for the log, not for who asked. */
  lastWords?(ended: string, words: string): void;
}

/** How long an interrupted query may take to notice. */
const GRACE_MS = 1_000;
const START_MS = 30_000;
const ERROR_TEXT_BYTES = 2_000;
/** More than a process takes that has answered nothing large. */
const NEW_PROCESS_BYTES = 160 * 1024 ** 2;
const GROWN_SHARE = 0.25;

export type Answer = Pick<QueryResult, "columns" | "rows" | "truncated">;

export class QueryChild implements AsyncDisposable {
  readonly pid: number;
  #process: Deno.ChildProcess;
  #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #frames: AsyncGenerator<Frame>;
  #dead = false;
  #killed = false;
  #errorText = "";
  #resident_bytes = 0;
  #started: Promise<void>;
  readonly #errorsRead: Promise<void>;

  constructor(private readonly command: ChildCommand, private readonly limits: SessionLimits) {
    this.#process = new Deno.Command(command.deno, {
      args: ["run", "--no-prompt", "--allow-ffi", command.script],
      clearEnv: true,
      env: { ...command.environment },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#process.pid;
    this.#process.status.then(() => this.#dead = true);
    this.#input = this.#process.stdin.getWriter();
    this.#frames = readFrames(this.#process.stdout);
    this.#errorsRead = this.#readErrors();
    this.#started = this.#start();
    // Whoever uses the child sees the failure; this only says that nobody has to.
    this.#started.catch(() => undefined);
  }

  get alive(): boolean {
    return !this.#dead;
  }

  /** What its last query left in it would count as the next one's. */
  get hasGrown(): boolean {
    const { process_bytes } = this.limits;
    return this.#resident_bytes > Math.max(NEW_PROCESS_BYTES, process_bytes * GROWN_SHARE);
  }

  /** Resolves when the process can take a query. */
  ready(): Promise<void> {
    return this.#started;
  }

  /**
   * Asks one question. When `signal` aborts the query is interrupted, and killed `GRACE_MS` later; either way this
   * rejects with the signal's reason.
   */
  async run(request: QueryRequest, signal: AbortSignal, parquet_path?: string): Promise<Answer> {
    await this.#started;
    let killing: ReturnType<typeof setTimeout> | undefined;
    const stop = () => {
      this.#send({ interrupt: true }).catch(() => this.kill());
      killing = setTimeout(() => this.kill(), GRACE_MS);
    };
    if (signal.aborted) throw signal.reason;
    signal.addEventListener("abort", stop, { once: true });
    try {
      await this.#send(parquet_path === undefined ? { run: request } : { run: request, parquet_path });
      const answer = await this.#answer();
      signal.throwIfAborted();
      return answer;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", stop);
      clearTimeout(killing);
    }
  }

  kill(): void {
    this.#dead = this.#killed = true;
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself, which is what was wanted.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Ends the process and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#process.status;
    await this.#input.close().catch(() => undefined);
    await this.#frames.return(undefined).catch(() => undefined);
  }

  async #start(): Promise<void> {
    const late = setTimeout(() => this.kill(), START_MS);
    try {
      await this.#send({ open: this.limits });
      await this.#next();
    } finally {
      clearTimeout(late);
    }
  }

  async #answer(): Promise<Answer> {
    let columns: readonly QueryColumn[] = [];
    const rows: (readonly unknown[])[] = [];
    let bytes = 0;
    for (;;) {
      const { message, size_bytes } = await this.#next();
      bytes += size_bytes;
      if (bytes > 4 * this.limits.answer_bytes) throw this.#broken("its answer does not end");
      if ("resident_bytes" in message) this.#resident_bytes = message.resident_bytes;
      if ("columns" in message) columns = message.columns;
      else if ("rows" in message) { for (const row of message.rows) rows.push(row); }
      else if ("fault" in message) throw faultOf(message.fault);
      else if ("done" in message) return { columns, rows, truncated: message.done.truncated };
    }
  }

  async #next(): Promise<{ message: FromChild; size_bytes: number }> {
    let frame: IteratorResult<Frame>;
    try {
      frame = await this.#frames.next();
    } catch (error) {
      if (error instanceof RangeError) throw await this.#death();
      throw error;
    }
    if (frame.done) throw await this.#death();
    return { message: frame.value.message as FromChild, size_bytes: frame.value.size_bytes };
  }

  async #death(): Promise<Fault> {
    this.#dead = true;
    const { code, signal } = await this.#process.status;
    if (code === OVER_MEMORY_EXIT) {
      return new Fault(
        "limit",
        `Cannot finish the query: it needs over ${this.limits.process_bytes} bytes of memory`,
        {
          blame: "sender",
          retry: "never",
        },
      );
    }
    const ended = signal ?? `exit status ${code}`;
    await this.#errorsRead;
    if (!this.#killed) this.command.lastWords?.(ended, this.#errorText.trim());
    return this.#broken(`its process ended (${ended})`);
  }

  #broken(state: string): Fault {
    this.kill();
    return new Fault("engine", `Cannot finish the query: ${state}`, {
      blame: "dependency",
      retry: "after_backoff",
    });
  }

  async #send(message: ToChild): Promise<void> {
    try {
      await this.#input.write(encodeFrame(message));
    } catch {
      throw await this.#death();
    }
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stderr) {
      this.#errorText = (this.#errorText + decoder.decode(chunk, { stream: true })).slice(-ERROR_TEXT_BYTES);
    }
  }
}
