/** NDJSON batches through `/ingest` into a real broker, acks=all; reference: the broker's own Java producer tool. */
import { kafkaClient } from "../../lib/log/kafka_link.ts";
import { startKafkaBroker } from "../cluster/kafka_broker.ts";
import { startProgram } from "../program.ts";
import { type Bench, median, transactionLine } from "./bench.ts";
import { producerToolRate } from "./kafka_tool.ts";
import { closedLoop, requestBytes } from "./sender.ts";

const BATCHES = 200;
const EVENTS = 1_000;
const CONNECTIONS = 8;
const ROUNDS = 3;
/** So many that its start does not count. */
const TOOL_RECORDS = 1_000_000;
const RECORD_BYTES = 360;
const REFERENCE = "bench.reference";
const TOKEN = "bench-token";

export const kafkaBench: Bench = {
  name: "kafka",
  async run() {
    await using broker = await startKafkaBroker();
    const { address } = broker;
    await makeTopic(address);
    const folder = await Deno.makeTempDir();
    const env = {
      DATA_DIR: folder,
      KAFKA_BROKERS: address,
      RATE_LIMIT_PER_SECOND: "0",
      INGEST_TOKENS: `bench=${TOKEN}`,
    };
    const edge = await startProgram({ role: "edge", env });
    try {
      const rate = async (round: number, count: number) =>
        EVENTS * await closedLoop(edge.url, batches(round, count), CONNECTIONS);
      await rate(0, BATCHES / 10);
      const ours: number[] = [];
      const theirs: number[] = [];
      const run = { address, topic: REFERENCE, records: TOOL_RECORDS, record_bytes: RECORD_BYTES };
      for (let round = 1; round <= ROUNDS; round++) {
        theirs.push(await producerToolRate(run));
        ours.push(await rate(round, BATCHES));
      }
      return [{
        what: "NDJSON events into the broker, acks=all",
        value: median(ours),
        unit: "events/s",
        reference: { what: "the broker's own producer tool", value: median(theirs) },
        must: 0.08,
        goal: 0.25,
      }];
    } finally {
      await edge.kill();
      await Deno.remove(folder, { recursive: true });
    }
  },
};

async function makeTopic(address: string): Promise<void> {
  const admin = kafkaClient({ brokers: [address] }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: REFERENCE, numPartitions: 4, replicationFactor: 1 }] });
  await admin.disconnect();
}

function batches(round: number, count: number): Uint8Array[] {
  const headers = { "content-type": "application/x-ndjson", authorization: `Bearer ${TOKEN}` };
  return Array.from({ length: count }, (_, batch) => {
    const first = (round * BATCHES + batch) * EVENTS;
    const lines = Array.from({ length: EVENTS }, (_, i) => transactionLine(first + i, Date.now()));
    return requestBytes({ path: "/ingest/transaction", headers, body: lines.join("\n") });
  });
}
