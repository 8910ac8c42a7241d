/** The thread that owns the writing connection of one topic of the embedded log: stores the frames it is sent, in order. */
import { systemClock } from "../lib/clock.ts";
import { BatchTable } from "../lib/log/batch_table.ts";
import { describeFault, type KeeperAnswer, type KeeperRequest } from "../lib/log/keeper_messages.ts";
import { commitPatiently } from "../lib/log/sqlite_log.ts";

declare const self: DedicatedWorkerGlobalScope;

let table: BatchTable | undefined;
let last: Promise<void> = Promise.resolve();

self.onmessage = (event: MessageEvent<KeeperRequest>) => {
  const request = event.data;
  last = last.then(() => carryOut(request));
};

async function carryOut(request: KeeperRequest): Promise<void> {
  if (request.kind === "close") {
    table?.[Symbol.dispose]();
    answer({ id: request.id, offsets: [] });
    return;
  }
  try {
    table ??= new BatchTable(request.path, request.partitions);
    answer({ id: request.id, offsets: await commitPatiently(table, request.frames, systemClock) });
  } catch (error) {
    answer({ id: request.id, fault: describeFault(error) });
  }
}

function answer(message: KeeperAnswer): void {
  self.postMessage(message);
}
