/** A worker for tests of the supervisor: does what its role says. */
/// <reference lib="deno.worker" />
import type { FromWorker, ToWorker } from "../../workers/protocol.ts";

declare const self: DedicatedWorkerGlobalScope;

const tell = (message: FromWorker) => self.postMessage(message);

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "start") begin(data.role);
  if (data.type === "stop") stop();
};

let role = "";

function begin(asked: string): void {
  role = asked;
  if (role === "crashes") throw bug();
  if (role === "fatal") tell({ type: "fatal", reason: "no retry mends this" });
  else tell({ type: "ready" });
}

function stop(): void {
  if (role !== "stubborn") return tell({ type: "stopped" });
  tell({ type: "waiting", reason: "the last checkpoint of partition 3" });
  // Who hears this has heard what was told before.
  tell({ type: "notice", notice: { name: "rules", detail: "told" } });
}

/** Without its stack, which the runtime would print at length. */
function bug(): TypeError {
  const thrown = new TypeError("a bug");
  thrown.stack = undefined;
  return thrown;
}
