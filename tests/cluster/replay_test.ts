import { replayContract } from "../recomputation/replay_contract.ts";
import { openUnderTest } from "./kafka_scene.ts";

replayContract("kafka_log", async (use) => {
  await using under = await openUnderTest();
  await using log = await under.open();
  await use(log);
});
