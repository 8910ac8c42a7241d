/** `main.ts hook` finds the server that is meant, and says where it sent what it signed with which secret. */
import { deepEqual, equal, match } from "node:assert/strict";
import { serverOf } from "../../commands/hook.ts";
import { settingsOf } from "../routes/test_app.ts";
import { stripeSignature } from "../stripe_sender.ts";
import { runCommand } from "./run_command.ts";

/** A server that answers every request with `status`. */
function answering(status: number, headers: Record<string, string> = {}) {
  const paths: string[] = [];
  const taken: { signature: string; body: string }[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => {
      paths.push(new URL(request.url).pathname);
      taken.push({ signature: request.headers.get("stripe-signature") ?? "", body: await request.text() });
      return new Response("{}", { status, headers });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: String(server.addr.port),
    paths,
    taken,
    server,
  };
}

/** A folder as dev leaves it. */
async function devFolder(url: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/dev.json`, JSON.stringify({ url }));
  await Deno.writeTextFile(`${folder}/secrets.env`, "STRIPE_WEBHOOK_SECRET=whsec_of_dev\n");
  return folder;
}

Deno.test("serverOf takes the environment's address, else that of a dev that answers, else the usual one", async () => {
  const dev = answering(200);
  const folder = await devFolder(dev.url);
  const settings = settingsOf({ PORT: "4321" });
  const usual = "http://127.0.0.1:4321";
  deepEqual(await serverOf(settings, new Set(["PORT"]), folder), { url: usual, note: null });
  deepEqual(await serverOf(settings, new Set(), folder), { url: dev.url, note: null });
  deepEqual((await serverOf(settingsOf({ PORT: "0" }), new Set(["PORT"]), folder)).url, dev.url);
  await dev.server.shutdown();
  deepEqual(await serverOf(settings, new Set(), folder), {
    url: usual,
    note: `nothing answers at ${dev.url}, where dev was last`,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("hook tells the address and whose secret it used, and what a refusal most likely means", async () => {
  const dev = answering(202);
  const other = answering(401, { "www-authenticate": "Signature" });
  const without = answering(401, { "www-authenticate": "Bearer" });
  const DATA_DIR = await devFolder(dev.url);
  try {
    const sent = await runCommand(["hook", "stripe"], { DATA_DIR });
    equal(sent.code, 0, sent.stderr);
    equal(sent.stderr, `to ${dev.url}/hooks/stripe, signed with the secret that dev made in ${DATA_DIR}\n`);
    const refused = await runCommand(["hook", "stripe"], { DATA_DIR, PORT: other.port });
    equal(refused.code, 1);
    deepEqual(other.paths, ["/hooks/stripe"]);
    match(
      refused.stderr,
      /\nthe server has another secret; STRIPE_WEBHOOK_SECRET must be the same here and there\n$/,
    );
    const misled = await runCommand(["hook", "stripe"], { DATA_DIR, PORT: without.port });
    match(misled.stderr, /\nno door of ours answers there: webhooks go to the role edge, [^\n]*\n$/);
    const own = "old;until=2020-01-01T00:00:00Z,new";
    const signed = await runCommand(["hook", "stripe"], { DATA_DIR, STRIPE_WEBHOOK_SECRET: own });
    match(signed.stderr, /, signed with STRIPE_WEBHOOK_SECRET\n$/);
    const { signature, body } = dev.taken.at(-1)!;
    equal(signature, stripeSignature(body, Number(/t=(\d+)/.exec(signature)![1]), "new"));
  } finally {
    await Promise.all([dev, other, without].map(({ server }) => server.shutdown()));
  }
  const gone = await runCommand(["hook", "stripe"], { DATA_DIR, PORT: other.port });
  equal(gone.code, 1);
  match(gone.stderr, new RegExp(`Cannot reach ${other.url}/hooks/stripe: .*Is the program running there\\?`));
  await Deno.remove(DATA_DIR, { recursive: true });
});
