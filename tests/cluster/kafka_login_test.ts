/** A broker that asks for TLS and a password: the right ones come in, wrong ones get a Fault that says so. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { KafkaAssignment } from "../../lib/log/kafka_assignment.ts";
import type { KafkaOptions } from "../../lib/log/kafka_link.ts";
import { KafkaLog } from "../../lib/log/kafka_log.ts";
import { prepareTopics } from "../../lib/log/kafka_topics.ts";
import { readAll, record, textOf } from "../contracts/log_contract.ts";
import { atLast } from "./at_last.ts";
import { type KafkaBroker, startKafkaBroker } from "./kafka_broker.ts";

type Mechanism = NonNullable<KafkaOptions["sasl"]>["mechanism"];

const PASSWORDS: Record<Mechanism, string> = {
  plain: "plain-secret",
  "scram-sha-256": "scram-256-secret",
  "scram-sha-512": "scram-512-secret",
};
let broker: KafkaBroker;
let keys: string;
let authority: string;

async function keytool(...args: string[]): Promise<void> {
  const output = await new Deno.Command("keytool", { args, stderr: "piped", stdout: "piped" }).output();
  assert.ok(output.success, new TextDecoder().decode(output.stdout));
}

Deno.test.beforeAll(async () => {
  keys = await Deno.makeTempDir();
  const store = [
    "-alias",
    "broker",
    "-keystore",
    `${keys}/keys.p12`,
    "-storetype",
    "PKCS12",
    "-storepass",
    "changeit",
  ];
  const name = ["-dname", "CN=127.0.0.1", "-ext", "SAN=IP:127.0.0.1", "-ext", "BC=ca:true"];
  await keytool("-genkeypair", "-keyalg", "RSA", "-validity", "2", ...store, ...name);
  await keytool("-exportcert", "-rfc", "-file", `${keys}/broker.pem`, ...store);
  const trust = ["-keystore", `${keys}/trust.p12`, "-storetype", "PKCS12", "-storepass", "changeit"];
  await keytool("-importcert", "-noprompt", "-alias", "broker", "-file", `${keys}/broker.pem`, ...trust);
  authority = await Deno.readTextFile(`${keys}/broker.pem`);
  const modules = "org.apache.kafka.common.security";
  broker = await startKafkaBroker({
    security_protocol: "SASL_SSL",
    users: [256, 512].map((bits) => `SCRAM-SHA-${bits}=[name=alice,password=scram-${bits}-secret]`),
    properties: {
      "ssl.keystore.type": "PKCS12",
      "ssl.keystore.location": `${keys}/keys.p12`,
      "ssl.keystore.password": "changeit",
      "ssl.truststore.type": "PKCS12",
      "ssl.truststore.location": `${keys}/trust.p12`,
      "ssl.truststore.password": "changeit",
      "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
      "sasl.mechanism.inter.broker.protocol": "PLAIN",
      "listener.name.clients.plain.sasl.jaas.config":
        `${modules}.plain.PlainLoginModule required username="b" password="b" user_b="b" user_alice="plain-secret";`,
      "listener.name.clients.scram-sha-256.sasl.jaas.config": `${modules}.scram.ScramLoginModule required;`,
      "listener.name.clients.scram-sha-512.sasl.jaas.config": `${modules}.scram.ScramLoginModule required;`,
    },
  });
});

Deno.test.afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await Deno.remove(keys, { recursive: true });
});

function optionsOf(mechanism: Mechanism, password: string): KafkaOptions {
  const sasl = { mechanism, username: "alice", password };
  return { brokers: [broker.address], ssl: { ca: [authority] }, sasl };
}

for (const mechanism of Object.keys(PASSWORDS) as Mechanism[]) {
  Deno.test({
    name: `KafkaLog logs in over TLS with ${mechanism}`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const topic_prefix = `${mechanism}.`;
      const options = optionsOf(mechanism, PASSWORDS[mechanism]);
      const plan = { topic_prefix, partitions: 1, replication: 1, retention_ms: 3_600_000 };
      await atLast(() => prepareTopics(options, plan));
      await using log = new KafkaLog({ ...options, topic_prefix, append_timeout_ms: 60_000 });
      await log.append("events", [record("a")]);
      assert.deepEqual((await readAll(log, "events", 0, 1)).map(textOf), ["a"]);
      const control = new AbortController();
      await using assignment = new KafkaAssignment({ ...options, topic_prefix });
      const owned: number[][] = [];
      await assignment.follow((partitions) => {
        owned.push([...partitions]);
        control.abort();
        return Promise.resolve();
      }, control.signal);
      assert.deepEqual(owned, [[0], []]);
    },
  });
}

Deno.test({
  name: "the program logs in by its settings, and believes the authority that they name",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const topic_prefix = "settings.";
    const options = optionsOf("scram-sha-512", PASSWORDS["scram-sha-512"]);
    const plan = { topic_prefix, partitions: 1, replication: 1, retention_ms: 3_600_000 };
    await atLast(() => prepareTopics(options, plan));
    await using log = new KafkaLog({ ...options, topic_prefix, append_timeout_ms: 60_000 });
    await log.append("events", [record("seen by the command")]);
    const password = `${keys}/password`;
    await Deno.writeTextFile(password, `${PASSWORDS["scram-sha-512"]}\n`);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", "tail", "events", "--from", "0", "--limit", "1"],
      env: {
        KAFKA_SSL_CA_FILE: `${keys}/broker.pem`,
        KAFKA_BROKERS: broker.address,
        KAFKA_TOPIC_PREFIX: topic_prefix,
        KAFKA_SASL_MECHANISM: "scram-sha-512",
        KAFKA_USERNAME: "alice",
        KAFKA_PASSWORD_FILE: password,
      },
    }).output();
    const text = new TextDecoder();
    assert.equal(code, 0, text.decode(stderr));
    assert.match(text.decode(stdout), /seen by the command/);
  },
});

Deno.test({
  name: "a wrong password, and a broker that nobody vouches for, are refused with the reason",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using stranger = new KafkaLog({ ...optionsOf("scram-sha-512", "wrong"), topic_prefix: "x." });
    await assert.rejects(stranger.append("events", [record("a")]), (error) => {
      assert.ok(
        error instanceof Fault && error.blame === "dependency" && error.retry === "never",
        String(error),
      );
      assert.ok(!error.message.includes("wrong"));
      return true;
    });
    await using wary = new KafkaLog({ ...optionsOf("plain", "plain-secret"), ssl: true, topic_prefix: "x." });
    await assert.rejects(
      wary.identity("events"),
      (error) => error instanceof Fault && /certificate|UnknownIssuer/i.test(error.message),
    );
  },
});
