/** Every golden case through a real broker, with a checkpoint a record: the same rows as on the embedded log. */
import { KafkaLog } from "../../lib/log/kafka_log.ts";
import { prepareTopics } from "../../lib/log/kafka_topics.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { compare, goldenNames, readGolden, runOnLog } from "../golden/golden_case.ts";
import { atLast } from "./at_last.ts";
import { broker, newPrefix } from "./kafka_scene.ts";

for (const name of goldenNames()) {
  Deno.test({
    name: `${name}: on the broker, decided after every record`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const golden = readGolden(name);
      const topic_prefix = newPrefix();
      const plan = { topic_prefix, partitions: 1, replication: 1, retention_ms: 1e12 };
      await atLast(() => prepareTopics({ brokers: [broker.address] }, plan));
      const folder = await Deno.makeTempDir();
      {
        await using log = new KafkaLog({ brokers: [broker.address], topic_prefix });
        await using store = await openDiskStore(folder);
        compare(golden, await runOnLog(golden, log, store));
      }
      await Deno.remove(folder, { recursive: true });
    },
  });
}
