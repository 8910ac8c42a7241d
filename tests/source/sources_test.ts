import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { isStoredHeader } from "../../lib/event/raw_event.ts";
import { recordHeaders } from "../../lib/source/record_headers.ts";
import { createSources, dedupWindowMs, SENDERS } from "../../lib/source/sources.ts";

const HOUR_MS = 3_600_000;
const DEFAULTS = { dedup_webhook_ms: 168 * HOUR_MS, dedup_token_ms: HOUR_MS };

function sources(file: string | null, redact_key: string | null = null) {
  return createSources({ file, kinds: kindsOf(), redact_key });
}

const GOOD = `
sources:
  stripe:
    dedup_window: 2 d
    redact: [data.object.receipt_email]
  acme: {like: standard_webhooks}
  shop_system: {dedup_window: 5 min}
  cloud_events: {origins: [eventgrid.azure.net]}
  kafka: {kind: transaction}
`;
const KEY = "a key of sixteen letters";

function windowOf(all: ReturnType<typeof sources>, name: string): number {
  return dedupWindowMs(all.of(name), { ...DEFAULTS, ...all.on_log });
}

Deno.test("createSources knows every sender, and takes other names for tokens", () => {
  const plain = createSources();
  for (const { name } of SENDERS) strictEqual(plain.of(name).name, name);
  strictEqual(plain.hook("cloud_events"), null);
  strictEqual(plain.hook("token"), null);
  strictEqual(plain.hook("constructor"), null);
  strictEqual(plain.of("constructor").trust, "token");
  strictEqual(windowOf(plain, "stripe"), DEFAULTS.dedup_webhook_ms);
  strictEqual(windowOf(plain, "constructor"), DEFAULTS.dedup_token_ms);
  strictEqual(windowOf(plain, "cloud_events"), DEFAULTS.dedup_webhook_ms);
});

Deno.test("createSources takes windows, redaction, likeness, origins and a kind from the file", () => {
  const configured = sources(GOOD, KEY);
  strictEqual(windowOf(configured, "stripe"), 48 * HOUR_MS);
  strictEqual(windowOf(configured, "shop_system"), 300_000);
  ok(configured.redactor("stripe"));
  strictEqual(configured.redactor("github"), null);
  strictEqual(configured.hook("acme")?.name, "acme");
  strictEqual(configured.hook("acme")?.verify, configured.hook("standard_webhooks")?.verify);
  deepStrictEqual(configured.origins, ["eventgrid.azure.net"]);
  const message = { headers: {}, bytes: new Uint8Array(), body: {}, kinds: kindsOf() };
  strictEqual(configured.on_log.kafka_kind, "transaction");
  strictEqual(createSources().of("kafka").interpret(message).meaning, "unknown_kind");
  // A record says whom its sender is like, so that it is read alike where the file says it no more, or not yet.
  const acme = createSources().of("acme", "standard_webhooks");
  deepStrictEqual([acme.name, acme.trust, acme.is_mapped], ["acme", "webhook", true]);
  strictEqual(createSources().of("acme", "nobody").trust, "token");
});

Deno.test("createSources takes the shipped file, none, and an empty one", () => {
  const shipped = Deno.readTextFileSync(new URL("../../config/sources.yaml", import.meta.url));
  for (const file of [shipped, null, "", "# nothing\n", "sources:\n", "sources: {stripe: }"]) {
    strictEqual(sources(file).senders.length, SENDERS.length);
  }
});

Deno.test("createSources refuses a bad file whole, with line and reason", () => {
  const broken: [string, string, RegExp][] = [
    ["dedup_window: 2 d", "dedup_window: soon", /line 4: .*length of time/],
    ["[data.object.receipt_email]", "[data..x]", /line 5: .*no path/],
    ["[data.object.receipt_email]", "['items[*].email']", /line 5: .*no path/],
    ["[data.object.receipt_email]", "[$.data.email]", /line 5: .*no path/],
    ["like: standard_webhooks", "like: nobody", /line 6: .*none of/],
    ["  acme:", "  github:", /line 6: .*github/],
    ["  acme:", "  kafka2-x:", /line \d: .*no name/],
    ["kind: transaction", "kind: gone", /line 9: .*none of/],
    ["shop_system: {dedup", "shop_system: {origins: ['*'], dedup", /line 7: .*cloud_events only/],
    ["kind: transaction", "redact: [ip]", /line 9: .*on the log already/],
    ["kind: transaction", "colour: red", /colour/],
  ];
  for (const [good, bad, expected] of broken) {
    let message = "taken";
    try {
      sources(GOOD.replace(good, bad), KEY);
    } catch (error) {
      if (error instanceof Fault) message = error.message;
    }
    ok(expected.test(message), `${bad}: ${message}`);
  }
  let message = "taken";
  try {
    sources(GOOD);
  } catch (error) {
    if (error instanceof Fault) message = error.message;
  }
  ok(/REDACT_KEY/.test(message), message);
});

Deno.test("every header that a source keeps may stand in the raw table, and none is a credential", () => {
  for (const { name, kept_headers } of SENDERS) {
    for (const header of kept_headers) {
      ok(isStoredHeader(header), `${name}: ${header}`);
      ok(!/signature|authorization|cookie|hmac|secret|token/.test(header), header);
    }
  }
  for (const header of ["authorization", "cookie", "stripe-signature", "x-api-key", "ce-", "CE-ID"]) {
    strictEqual(isStoredHeader(header), false, header);
  }
});

Deno.test("recordHeaders keeps the allow-list alone", () => {
  const request = new Headers({
    "content-type": "application/json",
    authorization: "Bearer x",
    cookie: "a=b",
    "X-GitHub-Event": "push",
    "X-Hub-Signature-256": "sha256=00",
    "x-github-delivery": "d".repeat(600),
  });
  const github = createSources().of("github");
  deepStrictEqual(recordHeaders(github, request), {
    source: "github",
    content_type: "application/json",
    "x-github-event": "push",
    "x-github-delivery": "d".repeat(500),
  });
});
