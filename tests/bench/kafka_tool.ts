/** The broker's own producer tool (kafka-producer-perf-test), from Maven into the cache beside the broker's jars. */
import { isThere } from "../../lib/store/local_file.ts";
import { fetchBy } from "../fetched.ts";
import { KAFKA_VERSION, kafkaJars } from "../cluster/kafka_broker.ts";

export interface ToolRun {
  address: string;
  topic: string;
  records: number;
  record_bytes: number;
}

/** Records a second that it sends with acks=all, as it says itself in its last line. */
export async function producerToolRate({ address, topic, records, record_bytes }: ToolRun): Promise<number> {
  const jars = await kafkaJars();
  const classpath = `${await toolJar(`${jars}-tools`)}:${jars}/*`;
  const text = await run("java", [
    "-cp",
    classpath,
    "org.apache.kafka.tools.ProducerPerformance",
    ...["--topic", topic, "--num-records", String(records), "--record-size", String(record_bytes)],
    ...["--throughput", "-1", "--producer-props", `bootstrap.servers=${address}`, "acks=all"],
  ]);
  const rates = [...text.matchAll(/^(\d+) records sent, ([\d.]+) records\/sec/gm)];
  const last = rates.at(-1);
  if (!last || Number(last[1]) !== records) {
    throw new Error(`The producer tool did not say how fast it was: ${text}`);
  }
  return Number(last[2]);
}

async function toolJar(folder: string): Promise<string> {
  const name = `kafka-tools-${KAFKA_VERSION}.jar`;
  if (!await isThere(`${folder}/${name}`)) {
    const artifact = `-Dartifact=org.apache.kafka:kafka-tools:${KAFKA_VERSION}`;
    await fetchBy("mvn", ["-q", "-B", "dependency:copy", artifact, `-DoutputDirectory=${folder}`]);
  }
  return `${folder}/${name}`;
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout);
  if (!success) throw new Error(`${command} failed: ${text}${decoder.decode(stderr)}`);
  return text;
}
