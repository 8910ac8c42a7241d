import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { loadConfiguration } from "../lib/configuration.ts";
import { type ConfigurationWatch, watchConfiguration } from "../lib/configuration_watch.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import { settingsOf } from "./routes/test_app.ts";

/** A folder of configuration that is looked at whenever `look` is called. */
async function watched(files: Record<string, string>, tells = true) {
  const folder = await Deno.makeTempDir();
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const settings = settingsOf({ CONFIG_DIR: folder, REDACT_KEY: "a key of sixteen letters" });
  const load = () => loadConfiguration(settings);
  const abort = new AbortController();
  let wake: () => void = () => undefined;
  let asleep = Promise.withResolvers<void>();
  const sleep = (_ms: number, signal?: AbortSignal) => {
    asleep.resolve();
    return new Promise<void>((resolve) => {
      wake = resolve;
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
  };
  const told: string[] = [];
  const tell = (msg: string, facts?: Readonly<Record<string, unknown>>) =>
    void told.push(`${msg} ${facts?.reason ?? ""}`.trim());
  const line: LogLine = { debug: tell, info: tell, warn: tell, error: tell, with: () => line };
  const watch: ConfigurationWatch = watchConfiguration(await load(), {
    load,
    clock: { now: () => 0, sleep },
    line,
    tells,
    signal: abort.signal,
  });
  return {
    watch,
    told,
    write,
    async look() {
      await asleep.promise;
      asleep = Promise.withResolvers();
      wake();
      await asleep.promise;
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await watch.ended;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const REDACTING = "sources:\n  token: {redact: [card]}\n";

Deno.test("watchConfiguration takes an edit of sources.yaml over once it stands still", async () => {
  await using files = await watched({ "sources.yaml": REDACTING });
  const { watch, look, write } = files;
  // An editor empties the file, and writes it anew: at no moment is a card stored in clear.
  await write("sources.yaml", "");
  await look();
  strictEqual(typeof watch.current.sources.redactor("token"), "function");
  await write("sources.yaml", `${REDACTING}  acme: {like: stripe, dedup_window: 2 h}\n`);
  await look();
  strictEqual(watch.current.sources.hook("acme"), null);
  await look();
  strictEqual(watch.current.sources.hook("acme")?.name, "acme");
  strictEqual(typeof watch.current.sources.redactor("token"), "function");
  deepStrictEqual(watch.current.settings.body.dedup_windows, { acme: 7_200_000 });
  deepStrictEqual(files.told, ["took sources.yaml over"]);
});

Deno.test("watchConfiguration refuses a bad file whole, tells it once, and goes on when it is mended", async () => {
  await using files = await watched({ "sources.yaml": REDACTING });
  const { watch, look, write, told } = files;
  await write("sources.yaml", "sources:\n  acme: {like: stripe}\n  token: {redact: 5}\n");
  for (let times = 0; times < 3; times++) await look();
  strictEqual(told.length, 1);
  match(told[0], /refused.*sources\.yaml.*line 3/);
  match(watch.refused ?? "", /line 3/);
  strictEqual(watch.current.sources.hook("acme"), null);
  strictEqual(typeof watch.current.sources.redactor("token"), "function");
  await write("sources.yaml", "sources:\n  acme: {like: stripe}\n");
  for (let times = 0; times < 2; times++) await look();
  strictEqual(watch.refused, null);
  strictEqual(watch.current.sources.hook("acme")?.name, "acme");
  deepStrictEqual(told.slice(1), ["took sources.yaml over"]);
});

Deno.test("watchConfiguration says when a bad file is again the one that is in force", async () => {
  await using files = await watched({ "sources.yaml": REDACTING });
  await files.write("sources.yaml", "sources: 5\n");
  await files.look();
  await files.write("sources.yaml", REDACTING);
  for (let times = 0; times < 3; times++) await files.look();
  deepStrictEqual(files.told.slice(1), ["the configuration is again what is in force"]);
});

const RULES = "rules: [{ name: large, kind: threshold, severity: high, limit: 5 }]\n";

Deno.test("watchConfiguration takes an emptied file at its word, and warns", async () => {
  await using files = await watched({ "rules.yaml": RULES, "sources.yaml": REDACTING });
  const { watch, look, write, told } = files;
  await write("rules.yaml", "");
  await write("sources.yaml", "# to be written\n");
  for (let times = 0; times < 2; times++) await look();
  deepStrictEqual(watch.current.rules.body.rules, []);
  strictEqual(watch.current.sources.redactor("token"), null);
  deepStrictEqual(told, [
    "took sources.yaml and rules.yaml over",
    "sources.yaml is empty: what it said is no longer in force",
    "rules.yaml is empty: what it said is no longer in force",
  ]);
});

Deno.test("watchConfiguration names every file that is bad, and keeps silent where another one tells", async () => {
  await using files = await watched({});
  await using silent = await watched({}, false);
  for (const one of [files, silent]) {
    await one.write("rules.yaml", "rules: 5\n");
    await one.write("windows.yaml", "windows: 5\n");
    await one.look();
    match(one.watch.refused ?? "", /^Cannot take over rules\.yaml: .*\. Cannot take over windows\.yaml: /);
    await one.write("rules.yaml", "rules: []\n");
    await one.write("windows.yaml", "windows: []\n");
    for (let times = 0; times < 2; times++) await one.look();
    strictEqual(one.watch.refused, null);
  }
  strictEqual(files.told.length, 2);
  strictEqual(files.told[1], "took rules.yaml and windows.yaml over");
  deepStrictEqual(silent.told, []);
});

Deno.test("watchConfiguration says that kinds are taken over at a start", async () => {
  await using files = await watched({});
  await files.write(
    "kinds.yaml",
    "kinds: [{name: parcel, doc: A parcel., fields: [{name: n, type: id, doc: N.}]}]\n",
  );
  for (let times = 0; times < 3; times++) await files.look();
  deepStrictEqual(files.told, ["kinds.yaml was edited: restart to take it over"]);
});

Deno.test("a token's source cannot have the name of a sender of the file", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/sources.yaml`, "sources:\n  acme: { like: standard_webhooks }\n");
  const load = (tokens: string) =>
    loadConfiguration(settingsOf({ CONFIG_DIR: folder, INGEST_TOKENS: tokens }));
  await rejects(load("acme=token-of-acme"), { message: /the name acme in INGEST_TOKENS: sources.yaml/ });
  strictEqual((await load("shop=token-of-shop")).sources.of("acme").like, "standard_webhooks");
  await Deno.remove(folder, { recursive: true });
});
