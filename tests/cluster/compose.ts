/**
 * `compose.yaml` without Docker: each service's very command and environment, with names of containers and paths of
 * volumes put where they are on this machine.
 *
 *   kafka:9092 ─► 127.0.0.1:<port>     /tokens ─► <folder>/tokens     image ─► the files that the Dockerfile copies
 *
 * Services start in the order of `depends_on`, and each counts as healthy when its own health check says so.
 */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { endChild, signalChild } from "../child.ts";
import { pause } from "../waiting.ts";
import { copyImage, type Image, sourceText } from "./image.ts";
import { freePort } from "./free_port.ts";
import { type KafkaBroker, startKafkaBroker } from "./kafka_broker.ts";
import { minioBinary } from "./s3_server.ts";

export interface Service {
  image?: string;
  build?: unknown;
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  ports?: string[];
  volumes?: string[];
  mem_limit?: string;
  profiles?: string[];
  read_only?: boolean;
}

export interface Running {
  name: string;
  child: Deno.ChildProcess;
  ended: Promise<number>;
}

const ROOT = new URL("../../", import.meta.url).pathname;
const HEALTHY_MS = 300_000;
/** Ports that services listen on inside their containers. */
const INSIDE = { role: "8000", broker: "9092", controller: "9093", store: "9000", console: "9001" };

export class Compose implements AsyncDisposable {
  readonly services: Record<string, Service>;
  readonly running: Running[] = [];
  broker: KafkaBroker | undefined;
  readonly #ports = new Map<string, number>();
  readonly #up = new Map<string, Promise<void>>();

  private constructor(readonly folder: string, readonly image: Image, text: string) {
    this.services = (parse(text, { merge: true }) as { services: Record<string, Service> }).services;
  }

  static async open(): Promise<Compose> {
    const folder = await Deno.makeTempDir({ prefix: "compose-" });
    await Deno.mkdir(`${folder}/tokens`);
    const image = await copyImage(`${folder}/app`);
    return new Compose(folder, image, await sourceText("compose.yaml"));
  }

  /** Starts a service once, after what it depends on. */
  up(name: string): Promise<void> {
    let started = this.#up.get(name);
    if (!started) this.#up.set(name, started = this.#start(name));
    return started;
  }

  /** `docker compose up --scale <name>=<count>`. */
  async scale(name: string, count: number): Promise<void> {
    await this.up(name);
    assert.deepEqual(
      this.services[name].ports ?? [],
      [],
      `${name} has a port of the host, so there can be only one`,
    );
    const more = Array.from({ length: count - 1 }, (_, i) => `${name}-${i + 2}`);
    await Promise.all(more.map((one) => this.#up.get(one) ?? this.#remember(one)));
  }

  /** Where a service listens, as seen from the host. */
  url(name: string): string {
    return `http://127.0.0.1:${this.port(name, INSIDE.role)}`;
  }

  port(service: string, inside: string): number {
    const key = `${service}:${inside}`;
    const known = this.#ports.get(key);
    if (known !== undefined) return known;
    const port = freePort();
    this.#ports.set(key, port);
    return port;
  }

  token(name: string): string {
    return Deno.readTextFileSync(`${this.folder}/tokens/${name}`);
  }

  environment(name: string): Record<string, string> {
    const given = Object.entries(this.#service(name).environment ?? {});
    return Object.fromEntries(given.map(([key, value]) => [key, this.#here(name, value, key)]));
  }

  pid(name: string): number {
    return this.running.find((running) => running.name === name)!.child.pid;
  }

  /** SIGTERM, as `docker compose stop`; the exit code. */
  async stop(name: string): Promise<number> {
    const one = this.running.find((running) => running.name === name)!;
    signalChild(one.child, "SIGTERM");
    return await one.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.running.map(({ child }) => endChild(child)));
    if (this.broker) await this.broker[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }

  #remember(name: string): Promise<void> {
    const started = this.#start(name);
    this.#up.set(name, started);
    return started;
  }

  /** `process-2` is another container of the service `process`. */
  #service(name: string): Service {
    return this.services[name.replace(/-\d+$/, "")];
  }

  async #start(name: string): Promise<void> {
    const service = this.#service(name);
    assert.ok(service, `compose.yaml has no service ${name}`);
    await Promise.all(Object.entries(service.depends_on ?? {}).map(([other]) => this.up(other)));
    if (name === "tokens") return await this.#makeTokens(service);
    if (name === "kafka") return await this.#startBroker();
    await this.#launch(name, service);
    await this.#healthy(name, service);
  }

  async #makeTokens({ command, volumes }: Service): Promise<void> {
    const [shell, script] = command!;
    const mounted = volumes!.find((volume) => volume.endsWith(`:${script}:ro`))!.split(":")[0];
    const text = (await Deno.readTextFile(`${ROOT}/${mounted}`)).replaceAll(
      "/tokens",
      `${this.folder}/tokens`,
    );
    const { success, stderr } = await new Deno.Command(shell, { args: ["-c", text], stderr: "piped" })
      .output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }

  /** The image turns KAFKA_A_B into the property a.b. */
  async #startBroker(): Promise<void> {
    const { CLUSTER_ID, KAFKA_HEAP_OPTS: _, ...rest } = this.environment("kafka");
    const properties = Object.fromEntries(
      Object.entries(rest).map((
        [key, value],
      ) => [key.slice("KAFKA_".length).toLowerCase().replaceAll("_", "."), value]),
    );
    this.broker = await startKafkaBroker({
      whole: { port: this.port("kafka", INSIDE.broker), cluster_id: CLUSTER_ID, properties },
    });
  }

  async #launch(name: string, service: Service): Promise<void> {
    const [program, ...args] = service.build
      ? [...this.image.entrypoint, ...service.command!]
      : [await minioBinary(), ...service.command!.map((word) => this.#here(name, word))];
    const data = `${this.folder}/data/${name}`;
    await Deno.mkdir(data, { recursive: true });
    const kept = `exec "$0" "$@" >> "${this.folder}/${name}.out" 2>&1`;
    const child = new Deno.Command("sh", {
      args: ["-c", kept, program, ...args],
      cwd: this.image.folder,
      clearEnv: true,
      env: { ...this.image.env, ...this.environment(name) },
      stdin: "null",
    }).spawn();
    this.running.push({ name, child, ended: child.status.then(({ code }) => code) });
  }

  async #healthy(name: string, { healthcheck }: Service): Promise<void> {
    if (!healthcheck) return;
    const deadline = Date.now() + HEALTHY_MS;
    while (!await this.#isHealthy(name, healthcheck.test)) {
      assert.ok(Date.now() < deadline, `${name} does not become healthy:\n${await this.output(name)}`);
      await pause(500);
    }
  }

  /** The check itself, run as Docker would. The store's image brings its own tool, which asks this same address. */
  async #isHealthy(name: string, [how, program, ...args]: string[]): Promise<boolean> {
    if (program === "mc") return await isReady(this.port(name, INSIDE.store));
    assert.equal(how, "CMD");
    const { success } = await new Deno.Command(program, {
      args: args.map((word) => this.#here(name, word)),
      cwd: this.image.folder,
      clearEnv: true,
      env: this.image.env,
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  }

  async output(name: string): Promise<string> {
    return (await Deno.readTextFile(`${this.folder}/${name}.out`)).slice(-4_000);
  }

  /** A word of compose as it must be on this machine, for the service that it belongs to. */
  #here(name: string, word: string, variable = ""): string {
    const isRole = Boolean(this.#service(name).build);
    const own = isRole ? name : "edge";
    const places: [string, string][] = [
      ["kafka:9092", `127.0.0.1:${this.port("kafka", INSIDE.broker)}`],
      ["kafka:9093", `127.0.0.1:${this.port("kafka", INSIDE.controller)}`],
      ["://:9092", `://127.0.0.1:${this.port("kafka", INSIDE.broker)}`],
      ["://:9093", `://127.0.0.1:${this.port("kafka", INSIDE.controller)}`],
      ["minio:9000", `127.0.0.1:${this.port("minio", INSIDE.store)}`],
      ["127.0.0.1:9000", `127.0.0.1:${this.port("minio", INSIDE.store)}`],
      ["query:8000", `127.0.0.1:${this.port("query", INSIDE.role)}`],
      ["127.0.0.1:8000", `127.0.0.1:${this.port(own, INSIDE.role)}`],
      ["/tokens", `${this.folder}/tokens`],
      ["/app", this.image.folder],
      ["/var/lib/kafka/data", `${this.folder}/data/kafka`],
    ];
    if (variable === "PORT") return String(this.port(name, word));
    if (word === "/data") return `${this.folder}/data/${name}`;
    if (/^:90\d\d$/.test(word)) return `127.0.0.1:${this.port(name, word.slice(1))}`;
    return places.reduce((text, [there, here]) => text.replaceAll(there, here), word);
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/minio/health/ready`);
    await answer.body?.cancel();
    return answer.ok;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
