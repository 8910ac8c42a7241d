/** The real keeper, except that it dies before or after it stores a record that says so. */
import { decodeBatch } from "../../lib/log/record_batch.ts";
import { textOf } from "../contracts/log_contract.ts";
import type { KeeperRequest } from "../../lib/log/keeper_messages.ts";
import "../../workers/log_keeper.ts";

declare const self: DedicatedWorkerGlobalScope;

const keep = self.onmessage!;
const answer = self.postMessage.bind(self);

self.onmessage = (event: MessageEvent<KeeperRequest>) => {
  const request = event.data;
  const frames = request.kind === "commit" ? request.frames : [];
  const texts = frames.flatMap(({ bytes }) => decodeBatch(bytes, 0, 0).map(textOf));
  if (texts.includes("die before")) throw new TypeError("died as told");
  if (texts.includes("die after")) {
    self.postMessage = () => {
      throw new TypeError("died as told");
    };
  } else self.postMessage = answer;
  keep.call(self, event);
};
