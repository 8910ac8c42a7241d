/** A whole cluster on this machine: a real broker, a real S3 server, and every role as a process of its own. */
import type { PartitionStatus } from "../../lib/lake/status.ts";
import { PATIENT, type Program, type ProgramOptions, startProgram } from "../program.ts";
import { freePort } from "./free_port.ts";
import { type KafkaBroker, startKafkaBroker } from "./kafka_broker.ts";
import { type S3Server, startS3Server } from "./s3_server.ts";

export const CLUSTER_TOKEN = "cluster-admin-token";

export interface ClusterOptions {
  /** Processes of the role `process`. */
  processes?: number;
  env?: Record<string, string>;
}

export class Cluster implements AsyncDisposable {
  readonly roles = new Map<string, Program>();

  private constructor(
    readonly broker: KafkaBroker,
    readonly s3: S3Server,
    readonly env: Record<string, string>,
    readonly folder: string,
  ) {}

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    await using started = new AsyncDisposableStack();
    const broker = started.use(await startKafkaBroker());
    const s3 = started.use(await startS3Server());
    const folder = await Deno.makeTempDir();
    const env = {
      KAFKA_BROKERS: broker.address,
      S3_ENDPOINT: s3.endpoint,
      S3_BUCKET: "millrace",
      S3_ACCESS_KEY_ID: s3.access_key_id,
      S3_SECRET_ACCESS_KEY: s3.secret_access_key,
      PARTITIONS: "4",
      CHECKPOINT_MS: "500",
      RATE_LIMIT_PER_SECOND: "0",
      API_TOKEN: CLUSTER_TOKEN,
      ...PATIENT,
      ...options.env,
    };
    const cluster = new Cluster(broker, s3, env, folder);
    started.defer(() => cluster.#end());
    await cluster.begin("query");
    const query = cluster.roles.get("query")!;
    await Promise.all([
      cluster.begin("edge", { QUERY_URL: query.url }),
      cluster.begin("maintain"),
      ...Array.from({ length: options.processes ?? 2 }, (_, i) => cluster.begin(`process-${i}`)),
    ]);
    started.move();
    return cluster;
  }

  /** Starts a role (again); `process-1` is another process of the role `process`. Its folder and port stay its own. */
  async begin(
    name: string,
    env: Record<string, string> = {},
    limits: Pick<ProgramOptions, "file_kib"> = {},
  ): Promise<Program> {
    const before = this.roles.get(name);
    const PORT = before ? new URL(before.url).port : String(freePort());
    const own = { ...this.env, DATA_DIR: `${this.folder}/${name}`, PORT, ...env, ...this.#queryUrl(name) };
    const program = await startProgram({ role: name.split("-")[0], env: own, ...limits });
    this.roles.set(name, program);
    return program;
  }

  #queryUrl(name: string): Record<string, string> {
    const query = this.roles.get("query");
    return name === "edge" && query ? { QUERY_URL: query.url } : {};
  }

  get url(): string {
    return this.roles.get("edge")!.url;
  }

  async kill(name: string): Promise<void> {
    await this.roles.get(name)!.kill();
  }

  /** What the edge answers to a question of one row. */
  async ask(sql: string): Promise<unknown[]> {
    const headers = { "content-type": "application/json", authorization: `Bearer ${CLUSTER_TOKEN}` };
    const answer = await fetch(`${this.url}/api/query`, {
      method: "POST",
      headers,
      body: JSON.stringify({ sql }),
    });
    const result = await answer.json();
    if (answer.status !== 200) throw new Error(JSON.stringify(result));
    return result.rows[0];
  }

  async status(): Promise<{ partitions: PartitionStatus[] }> {
    const answer = await fetch(`${this.url}/api/status`, {
      headers: { authorization: `Bearer ${CLUSTER_TOKEN}` },
    });
    return await answer.json();
  }

  /** A command of the program, beside the running cluster. */
  async command(...args: string[]): Promise<{ code: number; stdout: string }> {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", ...args],
      env: { ...this.env, DATA_DIR: `${this.folder}/command` },
    }).output();
    return { code, stdout: new TextDecoder().decode(stdout) };
  }

  async #end(): Promise<void> {
    await Promise.all([...this.roles.values()].map((role) => role.kill()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    await Promise.all([this.broker[Symbol.asyncDispose](), this.s3[Symbol.asyncDispose]()]);
    await Deno.remove(this.folder, { recursive: true });
  }
}
