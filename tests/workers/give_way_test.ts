/** On Linux a thread that gives way gets a nice value of its own; the others keep theirs. */
import { strictEqual } from "node:assert/strict";
import { getPriority } from "node:os";

const SCRIPT = `
  import { getPriority } from "node:os";
  import { giveWay } from "${new URL("../../workers/give_way.ts", import.meta.url)}";
  const line = { debug() {} };
  giveWay(line);
  self.postMessage(getPriority(Number(Deno.readLinkSync("/proc/thread-self").split("/").at(-1))));
  self.close();
`;

Deno.test({
  name: "giveWay lowers the calling thread's priority alone",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const before = getPriority();
    const url = URL.createObjectURL(new Blob([SCRIPT], { type: "text/javascript" }));
    const worker = new Worker(url, { type: "module" });
    const answer = Promise.withResolvers<number>();
    worker.onmessage = (event) => answer.resolve(event.data);
    worker.onerror = (event) => answer.reject(new Error(event.message));
    strictEqual(await answer.promise, Math.min(19, before + 10));
    strictEqual(getPriority(), before);
    worker.terminate();
    URL.revokeObjectURL(url);
  },
});
