/**
 * What every worker thread is around its work: it takes its start message, tells how it is doing, and stops when asked.
 * The handler is registered before anything is awaited, so that no message is lost.
 */
/// <reference lib="deno.worker" />
import { Fault, messageOf } from "../lib/errors.ts";
import { systemClock } from "../lib/clock.ts";
import { type LogLine, logLines } from "../lib/observe/log_line.ts";
import { Metrics } from "../lib/observe/metrics.ts";
import { scrubber, secretsOf } from "../lib/observe/scrub.ts";
import { giveWay } from "./give_way.ts";
import type { FromWorker, Notice, StartMessage, ToWorker } from "./protocol.ts";

export interface WorkContext {
  start: StartMessage;
  line: LogLine;
  metrics: Metrics;
  signal: AbortSignal;
  ready(): void;
  notify(notice: Notice): void;
  /** Tells an orderly stop what it still waits for. */
  waiting(reason: string): void;
  onNotice(handle: (notice: Notice) => void): void;
}

const METRICS_EVERY_MS = 1_000;
declare const self: DedicatedWorkerGlobalScope;

/** Runs `work` from the start message until it resolves; it should resolve soon after its signal aborts. */
export function runWorker(name: string, work: (context: WorkContext) => Promise<void>): void {
  const abort = new AbortController();
  const handlers: ((notice: Notice) => void)[] = [];
  const tell = (message: FromWorker) => self.postMessage(message);
  self.onmessage = (event: MessageEvent<ToWorker>) => {
    const message = event.data;
    if (message.type === "stop") abort.abort(new Error("the program is stopping"));
    else if (message.type === "notice") { for (const handle of handlers) handle(message.notice); }
    else start(message);
  };

  function start(message: StartMessage): void {
    const metrics = new Metrics();
    const { LOG_LEVEL, LOG_FORMAT } = message.settings;
    const line = logLines({
      level: LOG_LEVEL,
      format: LOG_FORMAT,
      clock: systemClock,
      scrub: scrubber(secretsOf(message.settings)),
      write: (text) => Deno.stdout.writeSync(new TextEncoder().encode(text + "\n")),
    }, { worker: message.count > 1 ? `${name} ${message.index}` : name });
    if (message.gives_way) giveWay(line);
    const timer = setInterval(() => tell({ type: "metrics", samples: metrics.samples() }), METRICS_EVERY_MS);
    work({
      start: message,
      line,
      metrics,
      signal: abort.signal,
      ready: () => tell({ type: "ready" }),
      notify: (notice) => tell({ type: "notice", notice }),
      waiting: (reason) => tell({ type: "waiting", reason }),
      onNotice: (handle) => void handlers.push(handle),
    }).then(() => tell({ type: "stopped" }), (error) => fail(error, line)).finally(() =>
      clearInterval(timer)
    );
  }

  /**
   * A Fault that no retry mends ends the program; anything else ends this thread, and the supervisor starts another. It
   * is told in words: an error that is thrown here may never be heard, because the thread ends with it. What is away
   * comes back: nobody needs our stack for that.
   */
  function fail(error: unknown, line: LogLine): void {
    const reason = messageOf(error);
    const forGood = error instanceof Fault && error.retry === "never";
    if (forGood) line.error(reason, { error });
    else if (error instanceof Fault && error.blame === "dependency") {
      line.warn("the worker cannot go on", { reason });
    } else line.error("the worker failed", { error });
    tell({ type: forGood ? "fatal" : "failed", reason });
  }
}
