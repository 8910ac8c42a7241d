/** Settings are read once: every fault is told in one reading, by name, and no secret is in any message. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { listeningFaults, readSettings, type Settings } from "../lib/config.ts";

function faultsOf(environment: Record<string, string>, files: Record<string, string> = {}): string[] {
  const reading = readSettings(environment, (path) => {
    if (!(path in files)) throw new Error("no such file");
    return files[path];
  });
  return reading.ok ? [] : reading.faults.map(({ name, message }) => `${name} ${message}`);
}

function settingsOf(environment: Record<string, string>, files: Record<string, string> = {}): Settings {
  const reading = readSettings(environment, (path) => files[path]);
  ok(reading.ok, JSON.stringify(reading));
  return reading.settings;
}

Deno.test("readSettings has a default for everything and takes the empty text for none", () => {
  const { PORT, HOST, KAFKA_BROKERS, CHECKPOINT_MS } = settingsOf({ KAFKA_BROKERS: "", PORT: "" });
  deepEqual([PORT, HOST, KAFKA_BROKERS, CHECKPOINT_MS], [8000, "127.0.0.1", null, 5000]);
});

Deno.test("readSettings takes blanks for no value of anything, and only digits for a number", () => {
  for (const text of [" ", "0x10", "1e3", "8000.5", "８"]) {
    match(faultsOf({ PORT: text })[0] ?? "", /^PORT .* is refused: it must be/);
  }
  match(faultsOf({ PORT: "65536" })[0], /^PORT "65536" is refused: /);
  for (const name of ["DATA_DIR", "HOST", "S3_BUCKET"]) {
    deepEqual(faultsOf({ [name]: "  " }), [`${name} "  " is refused: it is blank`]);
  }
});

Deno.test("readSettings tells every fault at once, by name", () => {
  const faults = faultsOf({
    PORT: "x",
    CHECKPOINT_MS: "1",
    LOG_LEVEL: "loud",
    MILLRACE_PORT: "1",
    S3_ENDPOINT: "http://127.0.0.1:9000",
    TABLE_RETENTION_DAYS: "foo",
    KAFKA_BROKERS: "nonsense",
    PUBLIC_URL: "ftp://example.com",
  });
  const names = faults.map((fault) => fault.split(" ")[0]).sort();
  deepEqual(names, [
    "CHECKPOINT_MS",
    "KAFKA_BROKERS",
    "LOG_LEVEL",
    "MILLRACE_PORT",
    "PORT",
    "PUBLIC_URL",
    "S3_BUCKET",
    "TABLE_RETENTION_DAYS",
  ]);
});

Deno.test("readSettings refuses settings that mean nothing without another", () => {
  for (
    const [given, needed] of [
      ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"],
      ["S3_SECRET_ACCESS_KEY", "S3_ACCESS_KEY_ID"],
      ["KAFKA_USERNAME", "KAFKA_SASL_MECHANISM"],
      ["KAFKA_PASSWORD", "KAFKA_USERNAME"],
    ]
  ) {
    match(
      faultsOf({ [given]: "value-of-it" }).join("\n"),
      new RegExp(`^${needed} is missing beside ${given}$`, "m"),
    );
  }
});

Deno.test("readSettings takes brokers as host:port,...", () => {
  for (const right of ["kafka:9092", "a:1,b-2.example:9093", "[::1]:9092", "127.0.0.1:65535"]) {
    equal(settingsOf({ KAFKA_BROKERS: right }).KAFKA_BROKERS, right);
  }
  for (const wrong of ["kafka", "kafka:", "a:1,", "a:1 b:2", "http://kafka:9092"]) {
    equal(faultsOf({ KAFKA_BROKERS: wrong }).length, 1, wrong);
  }
});

Deno.test("readSettings takes a secret from a file, and never both", () => {
  const files = { "/run/stripe": "whsec_file\n" };
  deepEqual(settingsOf({ STRIPE_WEBHOOK_SECRET_FILE: "/run/stripe" }, files).webhook_secrets.stripe, [
    { secret: "whsec_file", until_ms: null },
  ]);
  equal(faultsOf({ API_TOKEN: "long-enough", API_TOKEN_FILE: "/run/stripe" }, files).length, 1);
  match(faultsOf({ API_TOKEN_FILE: "/nowhere" })[0], /^API_TOKEN_FILE cannot be read/);
});

Deno.test("readSettings takes up to four secrets of a sender, each with its end", () => {
  const until = "2026-12-01T00:00:00Z";
  deepEqual(settingsOf({ STRIPE_WEBHOOK_SECRET: `old;until=${until}, new` }).webhook_secrets.stripe, [
    { secret: "old", until_ms: Date.parse(until) },
    { secret: "new", until_ms: null },
  ]);
  equal(faultsOf({ STRIPE_WEBHOOK_SECRET: "a,b,c,d,e" }).length, 1);
  for (const wrong of ["tomorrow", "2026", "2026-12-01"]) {
    equal(faultsOf({ STRIPE_WEBHOOK_SECRET: `a;until=${wrong}` }).length, 1, wrong);
  }
});

Deno.test("readSettings takes apart for how many days each table is kept", () => {
  const { table_retention_days } = settingsOf({
    TABLE_RETENTION_DAYS: "raw.events=30, analytics.user_5min_revisions=7",
  });
  deepEqual(table_retention_days, { "raw.events": 30, "analytics.user_5min_revisions": 7 });
});

Deno.test("readSettings gives each token one meaning", () => {
  match(faultsOf({ INGEST_TOKENS: "demo=long-enough" })[0], /demo/);
  match(
    faultsOf({ INGEST_TOKENS: "shop=same-token-1,till=same-token-1" })[0],
    /shop and till the same token/,
  );
  deepEqual(settingsOf({ INGEST_TOKENS: "shop=constructor" }).ingest_tokens, { constructor: "shop" });
  const broken = faultsOf({ INGEST_TOKENS: "shop=long-enough,till=,long-enough-2" });
  deepEqual(broken.map((one) => one.slice(0, 21)), ["INGEST_TOKENS entry 2", "INGEST_TOKENS entry 3"]);
  match(faultsOf({ API_TOKEN: "same-token-1", READ_TOKEN: "same-token-1" })[0], /^READ_TOKEN is the same/);
  match(
    faultsOf({ API_TOKEN: "same-token-1", INGEST_TOKENS: "shop=same-token-1" })[0],
    /^INGEST_TOKENS holds the same token as API_TOKEN$/,
  );
});

Deno.test("readSettings never repeats a secret", () => {
  const faults = faultsOf({
    API_TOKEN: "same-1",
    REDACT_KEY: "short-2",
    INGEST_TOKENS: "Shop=s3",
    READ_TOKEN: "same-1",
  });
  equal(faults.length, 3);
  doesNotMatch(faults.join("\n"), /same-1|short-2|s3/);
});

Deno.test("listeningFaults asks for tokens when somebody else can reach us", () => {
  const names = (environment: Record<string, string>, role: string) =>
    listeningFaults(settingsOf(environment), role).map((fault) => fault.name);
  deepEqual(names({ HOST: "0.0.0.0" }, "all"), ["API_TOKEN", "INGEST_TOKENS"]);
  deepEqual(names({ HOST: "0.0.0.0" }, "query"), ["API_TOKEN"]);
  deepEqual(names({ HOST: "::1" }, "all"), []);
  deepEqual(
    names({ HOST: "0.0.0.0", API_TOKEN: "long-enough", INGEST_TOKENS: "shop=long-enough2" }, "edge"),
    [],
  );
});
