/** The edge where only HTTP and TCP are allowed: no SQLite, no thread, no write; it answers 503 while the broker is away. */
import { ok, strictEqual } from "node:assert/strict";
import { endChild } from "../child.ts";
import { sendStripe, STRIPE_SECRET, stripeBody, stripeSignature } from "../stripe_sender.ts";
import { eventually, inTime } from "../waiting.ts";
import { startKafkaBroker } from "./kafka_broker.ts";
import { startS3Server } from "./s3_server.ts";

Deno.test("an edge without spill runs with net, env and read alone", async () => {
  await using broker = await startKafkaBroker();
  await using s3 = await startS3Server();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-net",
      "--allow-env",
      "--allow-read",
      "main.ts",
      "edge",
    ],
    env: {
      PORT: "0",
      LOG_FORMAT: "json",
      SPILL_MAX_BYTES: "0",
      KAFKA_BROKERS: broker.address,
      S3_ENDPOINT: s3.endpoint,
      S3_BUCKET: "millrace",
      S3_ACCESS_KEY_ID: s3.access_key_id,
      S3_SECRET_ACCESS_KEY: s3.secret_access_key,
      STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await using _end = { [Symbol.asyncDispose]: async () => void await endChild(child) };
  const url = await inTime(listening(child.stdout), "the line `listening`");
  const body = (id: string) =>
    stripeBody({ id, payment: id, amount_minor: 100, created_s: Math.floor(Date.now() / 1000), user: "u" });
  const sent = (id: string) =>
    eventually(() => sendStripe(url, body(id)), Boolean, { what: "an acknowledgement", every_ms: 200 });
  await sent("evt_1");
  await broker.kill();
  const now_s = Math.floor(Date.now() / 1000);
  const headers = {
    "stripe-signature": stripeSignature(body("evt_2"), now_s),
    "content-type": "application/json",
  };
  const answer = await fetch(`${url}/hooks/stripe`, { method: "POST", headers, body: body("evt_2") });
  await answer.body?.cancel();
  strictEqual(answer.status, 503);
  ok(answer.headers.get("retry-after"));
  await broker.start();
  await sent("evt_2");
});

async function listening(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const url = Promise.withResolvers<string>();
  const decoder = new TextDecoder();
  (async () => {
    let seen = "";
    for await (const chunk of stdout) {
      seen += decoder.decode(chunk, { stream: true });
      const line = seen.split("\n").find((one) => one.includes('"msg":"listening"'));
      if (line) url.resolve(JSON.parse(line).url);
    }
    url.reject(new Error(`the edge ended:\n${seen}`));
  })();
  return await url.promise;
}
