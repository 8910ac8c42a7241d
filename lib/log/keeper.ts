/**
 * The calling side of a log keeper (a worker that owns the writing connection of one topic): sends it frames, gives its
 * answers to who asked, and replaces it when it dies. What was sent to a keeper that died has an unknown outcome.
 */
import { Fault, messageOf } from "../errors.ts";
import type { Frame } from "./commit_row.ts";
import { faultOf, type KeeperAnswer, type KeeperRequest } from "./keeper_messages.ts";
import type { Committer } from "./sqlite_log.ts";

interface Pending {
  resolve(offsets: number[]): void;
  reject(reason: unknown): void;
}

/** One commit is carried out while the next is framed and sent. */
const COMMITS_UNDER_WAY = 2;

export class Keeper implements Committer {
  readonly max_commits = COMMITS_UNDER_WAY;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #nextId = 1;

  /** The thread starts with the first commit. */
  constructor(readonly worker_url: URL, readonly path: string, readonly partitions: number) {}

  commit(frames: readonly Frame[]): Promise<number[]> {
    return this.#ask(
      { kind: "commit", id: this.#nextId++, path: this.path, partitions: this.partitions, frames },
      // Frames are views of buffers of their own (encodeBatch), so these can be given away.
      frames.map(({ bytes }) => bytes.buffer),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#worker) return;
    try {
      await this.#ask({ kind: "close", id: this.#nextId++ }, []);
    } finally {
      this.#worker?.terminate();
      this.#worker = undefined;
    }
  }

  #ask(request: KeeperRequest, transfer: Transferable[]): Promise<number[]> {
    const worker = this.#worker ??= this.#start();
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { resolve, reject });
      worker.postMessage(request, transfer);
    });
  }

  #start(): Worker {
    const worker = new Worker(this.worker_url, { type: "module", name: "log_keeper" });
    worker.onmessage = (event: MessageEvent<KeeperAnswer>) => {
      const answer = event.data;
      const pending = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if ("fault" in answer) pending?.reject(faultOf(answer.fault));
      else pending?.resolve(answer.offsets);
    };
    worker.onmessageerror = () => this.#bury(worker, "an answer could not be read");
    worker.onerror = (event) => {
      event.preventDefault();
      this.#bury(worker, event.message);
    };
    return worker;
  }

  /** The next commit starts a new thread. */
  #bury(worker: Worker, why: string): void {
    worker.terminate();
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of lost) reject(keeperDied(why));
  }
}

function keeperDied(why: string): Fault {
  const message = `Cannot tell whether the log stored the records: its keeper died: ${messageOf(why)}`;
  return new Fault("keeper_died", message, { blame: "dependency", retry: "after_backoff" });
}
