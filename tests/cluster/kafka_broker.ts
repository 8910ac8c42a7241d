/**
 * A real Kafka broker (KRaft, one node) without Docker: its jars come from Maven once, into a cache folder outside the
 * tree; each broker has its own free ports and its own temporary folder, which a restart keeps.
 */
import { Kafka, logLevel } from "kafkajs";
import { endChild, signalChild } from "../child.ts";
import { isThere } from "../../lib/store/local_file.ts";
import { cacheFolder, fetchBy } from "../fetched.ts";
import { pause } from "../waiting.ts";
import { freePort } from "./free_port.ts";

export const KAFKA_VERSION = "4.1.0";
/** The last line before 4: still in wide use. */
export const OLD_KAFKA_VERSION = "3.9.1";

export interface BrokerOptions {
  version?: string;
  /** Further lines of server.properties, or other values for ours. */
  properties?: Readonly<Record<string, string>>;
  /** How clients must speak to it; the properties then bring the keys and passwords. */
  security_protocol?: "PLAINTEXT" | "SASL_PLAINTEXT" | "SASL_SSL";
  /** Users of SCRAM as `SCRAM-SHA-512=[name=...,password=...]`. */
  users?: readonly string[];
  /** All of server.properties instead of ours, for a broker that serves clients on this port. */
  whole?: { port: number; cluster_id: string; properties: Readonly<Record<string, string>> };
}

const START_LIMIT_MS = 150_000;
const START_TRIES = 3;
const STOP_LIMIT_MS = 60_000;

/** Starts a broker that the caller must dispose of. */
export async function startKafkaBroker(options: BrokerOptions = {}): Promise<KafkaBroker> {
  const classpath = `${await kafkaJars(options.version)}/*`;
  const folder = await Deno.makeTempDir({ prefix: "kafka-" });
  const port = options.whole?.port ?? freePort();
  const config = `${folder}/server.properties`;
  const properties = options.whole?.properties ?? ourProperties(folder, port, options);
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  await Deno.writeTextFile(config, lines.join(""));
  const users = (options.users ?? []).flatMap((user) => ["--add-scram", user]);
  // A quorum that the properties name is not to be made up.
  const quorum = options.whole ? [] : ["--standalone"];
  const id = options.whole?.cluster_id ?? newClusterId();
  const format = ["format", ...quorum, "-t", id, "-c", config, ...users];
  await run("java", ["-cp", classpath, "kafka.tools.StorageTool", ...format]);
  const broker = new KafkaBroker(folder, port, classpath, options.security_protocol ?? "PLAINTEXT");
  try {
    await broker.start();
  } catch (error) {
    await broker[Symbol.asyncDispose]();
    throw error;
  }
  return broker;
}

export class KafkaBroker implements AsyncDisposable {
  readonly address: string;
  #process: Deno.ChildProcess | undefined;

  constructor(
    readonly folder: string,
    readonly port: number,
    readonly classpath: string,
    readonly security_protocol: string,
  ) {
    this.address = `127.0.0.1:${port}`;
  }

  /** The library's own client, patient with a busy machine: for what tests do to a broker beside the log. */
  client(): Kafka {
    return new Kafka({
      brokers: [this.address],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 30_000,
      requestTimeout: 60_000,
      retry: { retries: 30, maxRetryTime: 5_000 },
    });
  }

  /** Resolves when clients are served. A port that was free a moment ago may be another's for a moment: so it tries again. */
  async start(): Promise<void> {
    for (let attempt = 1; !await this.#tryStart(); attempt++) {
      if (attempt === START_TRIES) throw new Error(`The broker did not start: ${await this.output()}`);
      await pause(1_000);
    }
  }

  /** false when the process ended, or did not serve anybody for too long. */
  async #tryStart(): Promise<boolean> {
    if (this.#process) return true;
    const heap = ["-Xmx512m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
    const log = `exec java "$@" >> "${this.folder}/broker.out" 2>&1`;
    const args = [...heap, "-cp", this.classpath, "kafka.Kafka", `${this.folder}/server.properties`];
    this.#process = new Deno.Command("sh", { args: ["-c", log, "sh", ...args], stdin: "null" }).spawn();
    let ended = false;
    this.#process.status.then(() => ended = true);
    const deadline = Date.now() + START_LIMIT_MS;
    // Whoever serves may be another's broker, while ours could not have the port.
    while (!await this.#serves() || ended) {
      if (ended || Date.now() > deadline) {
        await this.kill();
        return false;
      }
      await pause(200);
    }
    return true;
  }

  /** Ends the broker as an operator would. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends the broker as a power cut would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Starts it again on the same port and data, after `stop` or `kill` or instead of them. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Holds the process still, connections open, until `resume`; resolves once it stands. */
  async pause(): Promise<void> {
    const process = this.#process!;
    process.kill("SIGSTOP");
    const state = async () =>
      /^State:\s*(\S)/m.exec(await Deno.readTextFile(`/proc/${process.pid}/status`))?.[1];
    while (await state() !== "T") await pause(10);
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async output(): Promise<string> {
    return (await Deno.readTextFile(`${this.folder}/broker.out`)).slice(-3000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const process = this.#process;
    if (!process) return;
    this.#process = undefined;
    const patience = setTimeout(() => signalChild(process, "SIGKILL"), STOP_LIMIT_MS);
    await endChild(process, signal).finally(() => clearTimeout(patience));
  }

  async #serves(): Promise<boolean> {
    if (!await this.#listens()) return false;
    // A broker with passwords is asked by its own test; a listener is all that can be seen from here.
    if (this.security_protocol !== "PLAINTEXT") return true;
    const kafka = new Kafka({
      brokers: [this.address],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      connectionTimeout: 10_000,
    });
    const admin = kafka.admin();
    try {
      await admin.connect();
      return (await admin.describeCluster()).brokers.length > 0;
    } catch (error) {
      if (error instanceof Error && error.name.startsWith("KafkaJS")) return false;
      throw error;
    } finally {
      await admin.disconnect();
    }
  }

  async #listens(): Promise<boolean> {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  }
}

/** The folder of the jars, filled by Maven when they are not there yet. */
export async function kafkaJars(version = KAFKA_VERSION): Promise<string> {
  const cache = cacheFolder();
  const jars = `${cache}/kafka-${version}`;
  if (await isThere(`${jars}/kafka_2.13-${version}.jar`)) return jars;
  await Deno.mkdir(cache, { recursive: true });
  const fresh = await Deno.makeTempDir({ dir: cache, prefix: "kafka-" });
  await Deno.writeTextFile(`${fresh}/pom.xml`, pom(version));
  await fetchBy("mvn", [
    "-q",
    "-B",
    "-f",
    `${fresh}/pom.xml`,
    "dependency:copy-dependencies",
    `-DoutputDirectory=${fresh}/jars`,
  ]);
  // Whoever is first to be done fills the cache.
  if (!await isThere(jars)) await Deno.rename(`${fresh}/jars`, jars);
  await Deno.remove(fresh, { recursive: true });
  return jars;
}

function pom(version: string): string {
  return `<project><modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version>
  </dependency></dependencies>
</project>`;
}

function newClusterId(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
    .replaceAll("+", "a").replaceAll("/", "b").slice(0, 22);
}

function ourProperties(folder: string, port: number, options: BrokerOptions): Record<string, string> {
  const controller = freePort();
  const protocol = options.security_protocol ?? "PLAINTEXT";
  return {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.bootstrap.servers": `127.0.0.1:${controller}`,
    "controller.listener.names": "CONTROLLER",
    "listeners": `CLIENTS://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    "advertised.listeners": `CLIENTS://127.0.0.1:${port}`,
    "inter.broker.listener.name": "CLIENTS",
    "listener.security.protocol.map": `CLIENTS:${protocol},CONTROLLER:PLAINTEXT`,
    "log.dirs": `${folder}/data`,
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    // A killed broker is not missed for long, so that it can come back soon.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "log.cleaner.dedupe.buffer.size": String(8 * 1024 * 1024),
    ...options.properties,
  };
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const output = await new Deno.Command(command, { args: [...args], stdout: "piped", stderr: "piped" })
    .output();
  if (output.success) return;
  const decoder = new TextDecoder();
  throw new Error(`${command} failed: ${decoder.decode(output.stdout)}${decoder.decode(output.stderr)}`);
}
