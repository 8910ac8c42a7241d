/**
 * Every artefact of a run with every secret that there is: log lines at their chattiest, all files, and all answers with
 * their headers. No secret stands in any of them, nor a signature or a token that was sent.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { settled, startProgram } from "../program.ts";
import { stripeBody, stripeSignature } from "../stripe_sender.ts";

const SECRETS = {
  STRIPE_WEBHOOK_SECRET:
    "whsec_stripe_must_not_show;until=2999-01-01T00:00:00Z,whsec_stripe_new_must_not_show",
  GITHUB_WEBHOOK_SECRET: 'github "must" not show',
  STANDARD_WEBHOOKS_WEBHOOK_SECRET: "whsec_bXVzdG5vdHNob3dtdXN0bm90c2hvdzAx",
  API_TOKEN: "admin-must-not-show",
  READ_TOKEN: "reader-must-not-show",
  INGEST_TOKENS: "shop=shop-token-must-not-show",
  REDACT_KEY: "redact-key-must-not-show",
  ALERT_WEBHOOK_SECRET: "whsec_YWxlcnRtdXN0bm90c2hvd2FsZXJ0MDE=",
};
/** What to look for; none of it is a part of another word. */
const HIDDEN = [
  "whsec_stripe_must_not_show",
  "whsec_stripe_new_must_not_show",
  'github "must" not show',
  'github \\"must\\" not show',
  "bXVzdG5vdHNob3dtdXN0bm90c2hvdzAx",
  "mustnotshow",
  "admin-must-not-show",
  "reader-must-not-show",
  "shop-token-must-not-show",
  "wrong-token-must-not-show",
  "redact-key-must-not-show",
  "YWxlcnRtdXN0bm90c2hvd2FsZXJ0MDE",
  "card-must-not-show",
];
const SOURCES = "sources:\n  shop: {redact: [card]}\n";
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const admin = bearer(SECRETS.API_TOKEN);
const json = { "content-type": "application/json" };

Deno.test("no secret, token or signature stands in any log line, file, answer or metric of a run", async () => {
  const folder = await Deno.makeTempDir();
  const config = await Deno.makeTempDir();
  for (const name of ["rules.yaml", "windows.yaml"]) {
    await Deno.copyFile(`config/${name}`, `${config}/${name}`);
  }
  await Deno.writeTextFile(`${config}/sources.yaml`, SOURCES);
  const env = { ...SECRETS, DATA_DIR: folder, CONFIG_DIR: config, LOG_LEVEL: "debug", CHECKPOINT_MS: "300" };
  const program = await startProgram({ env });
  const signatures: string[] = [];
  const answers: string[] = [];
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${program.url}${path}`, { redirect: "manual", ...init });
    answers.push(`${path.split("?")[0]} ${JSON.stringify([...answer.headers])} ${await answer.text()}`);
    return answer.status;
  };
  try {
    const now_s = Math.floor(Date.now() / 1000);
    const body = stripeBody({
      id: "evt_1",
      payment: "pi_1",
      amount_minor: 1,
      created_s: now_s,
      user: "cus_1",
    });
    const signature = stripeSignature(body, now_s, "whsec_stripe_new_must_not_show");
    signatures.push(signature.split("v1=")[1]);
    const hook = { method: "POST", headers: { "stripe-signature": signature }, body };
    strictEqual(await ask("/hooks/stripe", hook), 202);
    strictEqual(await ask("/hooks/stripe", { ...hook, body: `${body} ` }), 401);
    const event = '{"event_id": "e1", "card": "card-must-not-show"}';
    const ingest = (token: string, text = event) =>
      ask("/ingest/event", { method: "POST", headers: { ...json, ...bearer(token) }, body: text });
    strictEqual(await ingest("shop-token-must-not-show"), 202);
    strictEqual(await ingest("wrong-token-must-not-show"), 401);
    strictEqual(await ingest("shop-token-must-not-show", "card-must-not-show, and no JSON"), 202);
    const login = (token: string) => ask("/login", { method: "POST", body: new URLSearchParams({ token }) });
    ok(await login(SECRETS.READ_TOKEN) < 400);
    strictEqual(await login("wrong-token-must-not-show"), 401);
    await settled(program.url, SECRETS.API_TOKEN);
    const asks = ["SELECT getenv('API_TOKEN')", "SELEC", "FROM raw.events", "FROM dead_letters"];
    for (const sql of asks) {
      await ask("/api/query", {
        method: "POST",
        headers: { ...json, ...admin },
        body: JSON.stringify({ sql }),
      });
    }
    const pages = [
      "/metrics",
      "/api/status",
      "/api/stats",
      "/openapi.json",
      "/health",
      "/api/dead-letters",
      "/nowhere",
    ];
    for (const path of pages) await ask(path, { headers: admin });
    await ask("/api/tables?token=wrong-token-must-not-show");
  } finally {
    strictEqual(await program.stop(), 0, program.lines.join("\n"));
  }
  const leaks = [
    ...leaksIn("a log line", program.lines.join("\n"), signatures),
    ...answers.flatMap((answer) => leaksIn(`the answer of ${answer.split(" ")[0]}`, answer, signatures)),
    ...await leaksInFiles(folder, signatures),
  ];
  await Deno.remove(folder, { recursive: true });
  await Deno.remove(config, { recursive: true });
  ok(program.lines.length > 20 && answers.length > 15);
  deepStrictEqual(leaks, []);
});

function leaksIn(where: string, text: string, signatures: readonly string[]): string[] {
  return [...HIDDEN, ...signatures].filter((hidden) => text.includes(hidden)).map((hidden) =>
    `${hidden} in ${where}`
  );
}

async function leaksInFiles(folder: string, signatures: readonly string[]): Promise<string[]> {
  const leaks: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) leaks.push(...await leaksInFiles(path, signatures));
    else if (entry.isFile) {
      // As Latin-1 every byte is a character, so that nothing is lost in files that are no text.
      leaks.push(...leaksIn(path, new TextDecoder("latin1").decode(await Deno.readFile(path)), signatures));
    }
  }
  return leaks;
}
