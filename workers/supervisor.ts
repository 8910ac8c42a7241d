/** Starts worker threads, starts them again when they fail, and stops them in order. */
import type { Clock } from "../lib/clock.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import type { Metrics } from "../lib/observe/metrics.ts";
import type { FromWorker, Notice, StartMessage, ToWorker } from "./protocol.ts";

export interface WorkerSpec {
  name: string;
  url: URL;
  start: StartMessage;
  /** The thread loads its code at once, and begins its work when this resolves; without it, at once. */
  after?: Promise<void>;
}

export interface SupervisorOptions {
  clock: Clock;
  line: LogLine;
  metrics: Metrics;
  /** Passed on to every other worker, and to this. */
  onNotice(notice: Notice): void;
  /** A failure that no restart mends; the program should stop. */
  onFatal(reason: string): void;
}

export interface Supervised {
  readonly name: string;
  state: "starting" | "ready" | "failed" | "stopped";
  since: number;
}

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 15_000;
/** A worker that held out this long begins its pauses anew. */
const STEADY_MS = 60_000;
/** A stop that takes longer says what it waits for, again and again. */
const TELL_WAITING_MS = 1_000;

export class Supervisor {
  readonly #running = new Map<string, Worker>();
  readonly states = new Map<string, Supervised>();
  readonly #waiting = new Map<string, string>();
  /** Of the last failure, until the worker does its work again. */
  readonly #reasons = new Map<string, string>();
  /** Ends those that have not begun. */
  readonly #idle = new Map<string, () => void>();
  #stopping = false;
  #wake: (() => void) | null = null;

  constructor(private readonly options: SupervisorOptions) {}

  start(spec: WorkerSpec): void {
    void this.#keep(spec);
  }

  notify(notice: Notice, except?: string): void {
    for (const [name, worker] of this.#running) if (name !== except) post(worker, { type: "notice", notice });
  }

  /** Which workers do not do their work (yet), and why they failed before. */
  troubles(): string[] {
    return [...this.states.values()].filter(({ state }) => state !== "ready").map(({ name, state }) => {
      const reason = this.#reasons.get(name);
      return `${name} is ${state}${reason === undefined ? "" : ` (${reason})`}`;
    });
  }

  /** Asks all to stop and says what it waits for; those that do not within `deadline_ms` are ended, and named in the log. */
  async stop(deadline_ms: number): Promise<void> {
    const { clock, line } = this.options;
    this.#stopping = true;
    for (const end of this.#idle.values()) end();
    for (const worker of this.#running.values()) post(worker, { type: "stop" });
    const began = clock.now();
    let tell_at = began + TELL_WAITING_MS;
    while (this.#running.size > 0 && clock.now() < began + deadline_ms) {
      await Promise.race([clock.sleep(100), new Promise<void>((resolve) => this.#wake = resolve)]);
      if (clock.now() < tell_at) continue;
      tell_at += TELL_WAITING_MS;
      for (const name of this.#running.keys()) line.info(`waiting for ${name}`, this.#waitsFor(name));
    }
    for (const [name, worker] of this.#running) {
      line.warn(`${name} did not stop in time`, this.#waitsFor(name));
      worker.terminate();
    }
  }

  #waitsFor(name: string): { waits_for: string } {
    return { waits_for: this.#waiting.get(name) ?? "what it is at" };
  }

  async #keep(spec: WorkerSpec): Promise<void> {
    for (let failures = 0; !this.#stopping;) {
      const began = this.options.clock.now();
      const ended = await this.#run(spec);
      if (ended !== "crashed" || this.#stopping) return;
      failures = this.options.clock.now() - began > STEADY_MS ? 0 : failures + 1;
      const pause_ms = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
      this.options.metrics.counter("worker_restarts_total", { worker: spec.name }).add();
      this.options.line.warn(`${spec.name} ended unexpectedly; starting again`, { pause_ms });
      await this.options.clock.sleep(pause_ms);
    }
  }

  #run(spec: WorkerSpec): Promise<"stopped" | "fatal" | "crashed"> {
    const worker = new Worker(spec.url, { type: "module", name: spec.name });
    this.#running.set(spec.name, worker);
    this.#mark(spec.name, "starting");
    return new Promise<"stopped" | "fatal" | "crashed">((resolve) => {
      worker.onmessage = (event: MessageEvent<FromWorker>) => {
        const ended = this.#hear(spec.name, event.data);
        if (ended) resolve(ended);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        this.options.line.error(`${spec.name} failed`, { reason: event.message });
        this.#reasons.set(spec.name, event.message);
        resolve("crashed");
      };
      const begin = () => {
        this.#idle.delete(spec.name);
        post(worker, spec.start);
        if (this.#stopping) post(worker, { type: "stop" });
      };
      if (spec.after) {
        this.#idle.set(spec.name, () => resolve("stopped"));
        void spec.after.then(begin);
      } else begin();
    }).then((ended) => {
      worker.terminate();
      this.#running.delete(spec.name);
      this.options.metrics.retire(spec.name);
      this.#mark(spec.name, ended === "stopped" ? "stopped" : "failed");
      this.#wake?.();
      return ended;
    });
  }

  #hear(name: string, message: FromWorker): "stopped" | "fatal" | "crashed" | null {
    switch (message.type) {
      case "ready":
        this.#reasons.delete(name);
        this.#mark(name, "ready");
        return null;
      case "metrics":
        this.options.metrics.absorb(name, message.samples);
        return null;
      case "notice":
        this.notify(message.notice, name);
        this.options.onNotice(message.notice);
        return null;
      case "waiting":
        this.#waiting.set(name, message.reason);
        return null;
      case "stopped":
        return "stopped";
      case "failed":
        this.#reasons.set(name, message.reason);
        return "crashed";
      case "fatal":
        this.#reasons.set(name, message.reason);
        this.options.onFatal(message.reason);
        return "fatal";
    }
  }

  #mark(name: string, state: Supervised["state"]): void {
    this.states.set(name, { name, state, since: this.options.clock.now() });
  }
}

function post(worker: Worker, message: ToWorker): void {
  worker.postMessage(message);
}
