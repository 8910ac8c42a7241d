/**
 * The query port on native DuckDB: a few warm processes, each running one query at a time, each expendable.
 *
 * Nothing native is loaded here, so whoever imports this stays free of it. A process is used again after a query that
 * ended in its bounds, and replaced after one that had to be killed or left much memory behind. Queries beyond
 * `max_concurrent` wait in line, as long as a query may take and no more than `MAX_WAITING` of them.
 */
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { ParquetAnswer, QueryEngine, QueryRequest, QueryResult } from "./engine.ts";
import type { SessionLimits } from "./message.ts";
import { type Answer, type ChildCommand, QueryChild } from "./query_child.ts";
import { WaitingLine } from "./waiting_line.ts";

export interface DuckdbEngineOptions {
  /** Address or path of workers/query.ts. */
  script: string;
  /** The Deno executable. */
  deno: string;
  /** Absolute folders below which every data file lies. */
  allowed_directories: readonly string[];
  /** Existing folder for what does not fit into memory; each process gets a folder of its own in it. */
  temp_directory: string;
  timeout_ms: number;
  /** Memory of one process, and size of an answer. */
  max_bytes: number;
  max_concurrent: number;
  threads?: number;
  /** The whole environment of the processes; DENO_DIR is all they may need. */
  environment?: ChildCommand["environment"];
  lastWords?: ChildCommand["lastWords"];
  clock?: Clock;
}

const MIB = 1024 ** 2;
/** What a process needs before it has done anything. */
const LEAST_PROCESS_BYTES = 256 * MIB;
/** An answer is held as values on its way to the asker, so it is bounded whatever a process may use. */
const MOST_ANSWER_BYTES = 256 * MIB;
const BUFFER_SHARE = 0.6;
const TEMP_SHARE = 4;
const MAX_WAITING = 100;

/** Opens the engine; processes start when they are needed. */
export function openDuckdbEngine(options: DuckdbEngineOptions): DuckdbEngine {
  return new DuckdbEngine(options);
}

export class DuckdbEngine implements QueryEngine {
  #idle: QueryChild[] = [];
  #busy = new Set<QueryChild>();
  #folders = new Map<QueryChild, string>();
  #line: WaitingLine;
  #closed = false;
  #clock: Clock;

  constructor(private readonly options: DuckdbEngineOptions) {
    this.#line = new WaitingLine(options.max_concurrent, MAX_WAITING);
    this.#clock = options.clock ?? systemClock;
  }

  /** Starts a process ahead of the first query. */
  async warm(): Promise<void> {
    const child = this.#take();
    try {
      await child.ready();
    } finally {
      await this.#giveBack(child);
    }
  }

  async run(request: QueryRequest, signal?: AbortSignal): Promise<QueryResult> {
    const started = this.#clock.now();
    const answer = await this.#bounded(signal, (child, bounded) => child.run(request, bounded));
    return { ...answer, elapsed_ms: this.#clock.now() - started };
  }

  /** The answer as the bytes of one Parquet file. */
  async runToParquet(request: QueryRequest, signal?: AbortSignal): Promise<ParquetAnswer> {
    let bytes: Uint8Array<ArrayBuffer> | undefined;
    const { truncated } = await this.#bounded(signal, async (child, bounded) => {
      const path = `${this.#folders.get(child)!}/answer.parquet`;
      const answer = await child.run(request, bounded, path);
      bytes = await Deno.readFile(path);
      await Deno.remove(path);
      return answer;
    });
    return { bytes: bytes!, truncated };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#line.close();
    const children = [...this.#idle.splice(0), ...this.#busy];
    await Promise.all(children.map((child) => this.#end(child)));
  }

  async #bounded(
    signal: AbortSignal | undefined,
    work: (child: QueryChild, signal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    using _turn = await this.#line.turn(this.options.timeout_ms, signal);
    if (this.#closed) throw closedFault();
    const child = this.#take();
    const bound = new AbortController();
    const stop = () => bound.abort(signal!.reason);
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await child.ready();
      signal?.throwIfAborted();
      signal?.addEventListener("abort", stop, { once: true });
      timer = setTimeout(() => bound.abort(timeoutFault(this.options.timeout_ms)), this.options.timeout_ms);
      return await work(child, bound.signal);
    } catch (error) {
      throw this.#closed ? closedFault() : error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      await this.#giveBack(child);
    }
  }

  #take(): QueryChild {
    let child = this.#idle.pop();
    while (child && !child.alive) {
      this.#end(child);
      child = this.#idle.pop();
    }
    child ??= this.#spawn();
    this.#busy.add(child);
    return child;
  }

  async #giveBack(child: QueryChild): Promise<void> {
    this.#busy.delete(child);
    if (child.alive && !child.hasGrown && !this.#closed) this.#idle.push(child);
    else {
      await this.#end(child);
      if (!this.#closed && this.#idle.length === 0) this.#idle.push(this.#spawn());
    }
  }

  #spawn(): QueryChild {
    const folder = Deno.makeTempDirSync({ dir: this.options.temp_directory, prefix: "query-" });
    const command: ChildCommand = {
      deno: this.options.deno,
      script: this.options.script,
      environment: this.options.environment ?? {},
      lastWords: this.options.lastWords,
    };
    const child = new QueryChild(command, limitsOf(this.options, folder));
    this.#folders.set(child, folder);
    return child;
  }

  async #end(child: QueryChild): Promise<void> {
    await child[Symbol.asyncDispose]();
    const folder = this.#folders.get(child);
    if (folder === undefined) return;
    this.#folders.delete(child);
    try {
      await Deno.remove(folder, { recursive: true });
    } catch (error) {
      // Who clears temporary files was here first.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

function limitsOf(options: DuckdbEngineOptions, folder: string): SessionLimits {
  const process_bytes = Math.max(options.max_bytes, LEAST_PROCESS_BYTES);
  return {
    allowed_directories: options.allowed_directories,
    temp_directory: folder,
    max_temp_bytes: process_bytes * TEMP_SHARE,
    buffer_bytes: Math.floor(process_bytes * BUFFER_SHARE),
    process_bytes,
    answer_bytes: Math.min(options.max_bytes, MOST_ANSWER_BYTES),
    threads: options.threads ?? Math.min(4, navigator.hardwareConcurrency),
  };
}

function timeoutFault(timeout_ms: number): Fault {
  return new Fault("timeout", `Cannot finish the query: it takes longer than ${timeout_ms} ms`, {
    blame: "sender",
    retry: "never",
  });
}

function closedFault(): Fault {
  return new Fault("engine", "Cannot run the query: the engine is closed", {
    blame: "dependency",
    retry: "after_backoff",
  });
}
