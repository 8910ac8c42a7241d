/** Every sender that signs: its genuine fixture is taken, its forged twin and every other forgery is refused. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { WebhookSecret } from "../../lib/setting_parts.ts";
import type { Source } from "../../lib/source/source.ts";
import { createSources } from "../../lib/source/sources.ts";

interface Fixture {
  secret: string;
  now_ms: number;
  headers: Record<string, string>;
  body: string;
}

const FOLDER = new URL("../fixtures/sources/", import.meta.url);
const sources = createSources();
const { signing } = sources;
/** The header that holds the signature, by source; and the one that holds the time, where it is signed. */
const SIGNATURE: Record<string, string> = {
  stripe: "stripe-signature",
  revolut: "revolut-signature",
  github: "x-hub-signature-256",
  shopify: "x-shopify-hmac-sha256",
  standard_webhooks: "webhook-signature",
};
const SECONDS = ["stripe", "standard_webhooks"];

function fixture(source: Source, name: "genuine" | "forged"): Fixture {
  // The one place where the fixtures' form is taken for granted.
  return JSON.parse(Deno.readTextFileSync(new URL(`${source.name}/${name}.json`, FOLDER))) as Fixture;
}

interface Change {
  headers?: HeadersInit;
  body?: string | Uint8Array;
  secrets?: WebhookSecret[];
  now_ms?: number;
}

function verifies(source: Source, change: Change = {}): boolean {
  const genuine = fixture(source, "genuine");
  const body = change.body ?? genuine.body;
  const secrets = change.secrets ?? [{ secret: genuine.secret, until_ms: null }];
  return source.verify({
    headers: new Headers(change.headers ?? genuine.headers),
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    now_ms: change.now_ms ?? genuine.now_ms,
  }, secrets);
}

/** The genuine request with another signature header. */
function withSignature(source: Source, change: (value: string) => string): Change {
  const { headers } = fixture(source, "genuine");
  const name = SIGNATURE[source.name];
  return { headers: { ...headers, [name]: change(headers[name]) } };
}

/** A body that the source itself signs at a time. */
function signedAt(source: Source, now_ms: number, body = "{}"): Change {
  const { secret } = fixture(source, "genuine");
  const bytes = new TextEncoder().encode(body);
  const headers = source.sign(bytes, { secret, now_ms, id: "1" });
  return { headers: headers ?? {}, body: bytes };
}

Deno.test("every source that signs has a genuine fixture and a forged twin", () => {
  deepStrictEqual(signing.map((source) => source.name).sort(), Object.keys(SIGNATURE).sort());
  for (const source of signing) {
    strictEqual(verifies(source), true, source.name);
    const forged = fixture(source, "forged");
    strictEqual(verifies(source, { headers: forged.headers, body: forged.body }), false, source.name);
  }
});

for (const source of signing) {
  const genuine = fixture(source, "genuine");

  Deno.test(`${source.name}.verify refuses a body that is not byte for byte what was signed`, () => {
    const bytes = new TextEncoder().encode(genuine.body);
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = bytes.slice();
      changed[at] ^= 1;
      strictEqual(verifies(source, { body: changed }), false, `byte ${at}`);
    }
    for (const body of [`\ufeff${genuine.body}`, `${genuine.body}\r\n`, `${genuine.body} `, ""]) {
      strictEqual(verifies(source, { body }), false);
    }
  });

  Deno.test(`${source.name}.verify refuses a signature that is cut, stretched, misspelt or absent`, () => {
    const changes: Record<string, (value: string) => string> = {
      empty: () => "",
      cut: (value) => value.slice(0, value.length / 2),
      "one digit short": (value) => value.replace(/([0-9a-f]{63})[0-9a-f]|(.)(=)$/, "$1$3"),
      "31 bytes": (value) => value.replace(/[0-9a-f]{64}|[A-Za-z0-9+/]{43}=/g, spell(31)),
      "33 bytes": (value) => value.replace(/[0-9a-f]{64}|[A-Za-z0-9+/]{43}=/g, spell(33)),
      unpadded: (value) => value.replace(/([0-9a-f]{63})[0-9a-f]|=$/, "$1"),
      "other case": (value) => value.replace(/[0-9a-f]{64}|[A-Za-z0-9+/]{43}=/g, swapCase),
      "not hex": (value) => value.replace(/[0-9a-f]{64}|[A-Za-z0-9+/]{43}=/g, "z".repeat(64)),
      blanks: (value) => value.replace(/^(?:[^,=]*[,=](?=.)|.{5})/, "$& "),
      "an unknown scheme": (value) =>
        value.replaceAll("v1", "v2").replace("sha256=", "sha1=").replace(/^[^,=]*=?$/, ""),
      twice: (value) => `${value}, ${value}`,
    };
    for (const [name, change] of Object.entries(changes)) {
      strictEqual(verifies(source, withSignature(source, change)), false, name);
    }
    const { [SIGNATURE[source.name]]: _, ...others } = genuine.headers;
    strictEqual(verifies(source, { headers: others }), false);
    strictEqual(verifies(source, { headers: {} }), false);
  });

  Deno.test(`${source.name}.verify refuses 200 signatures and a megabyte of header`, () => {
    const separator = source.name === "standard_webhooks" ? " " : ",";
    const many = withSignature(source, (value) => Array(200).fill(value).join(separator));
    strictEqual(verifies(source, many), false);
    strictEqual(
      verifies(source, withSignature(source, (value) => value + separator + "x".repeat(1_000_000))),
      false,
    );
  });

  Deno.test(`${source.name}.verify takes an old key until its end, and four keys at most`, () => {
    const secret = (text: string, until_ms: number | null = null) => ({ secret: text, until_ms });
    const other = source.name === "standard_webhooks" ? "whsec_AAAA" : "another";
    const { now_ms } = genuine;
    strictEqual(verifies(source, { secrets: [secret(other), secret(genuine.secret)] }), true);
    strictEqual(verifies(source, { secrets: [secret(other), secret(genuine.secret, now_ms + 1)] }), true);
    strictEqual(verifies(source, { secrets: [secret(genuine.secret, now_ms)] }), false);
    strictEqual(verifies(source, { secrets: [secret(genuine.secret, now_ms - 1)] }), false);
    strictEqual(verifies(source, { secrets: [] }), false);
    strictEqual(
      verifies(source, { secrets: [...Array(4).fill(secret(other)), secret(genuine.secret)] }),
      false,
    );
  });

  Deno.test(`${source.name}.verify refuses what another source signed`, () => {
    for (const other of signing.filter((one) => one !== source)) {
      const { headers, body, now_ms } = fixture(other, "genuine");
      const secrets = [genuine.secret, fixture(other, "genuine").secret].map((secret) => ({
        secret,
        until_ms: null,
      }));
      strictEqual(verifies(source, { headers, body, now_ms, secrets }), false, other.name);
    }
  });

  Deno.test(`${source.name}.verify never throws, whatever its headers hold`, () => {
    const values = [
      "",
      ",",
      "=",
      "t=",
      "t=1,v1=",
      "v1,",
      "v1",
      ".",
      "=,=",
      "%",
      "v1=" + "é".repeat(32),
      "t=1e30,v1=ff",
    ];
    for (const value of values) {
      const headers = new Headers(genuine.headers);
      for (const name of [...headers.keys()]) {
        const changed = new Headers(headers);
        changed.set(name, value);
        verifies(source, { headers: changed });
      }
      strictEqual(verifies(source, withSignature(source, () => value)), false);
    }
  });

  Deno.test(`${source.name}.sign makes what verify takes`, () => {
    strictEqual(verifies(source, signedAt(source, genuine.now_ms)), true);
    strictEqual(source.secretFault(genuine.secret), null);
    strictEqual(typeof source.secretFault(""), "string");
  });
}

for (const source of signing.filter(({ name }) => name !== "github" && name !== "shopify")) {
  const { now_ms } = fixture(source, "genuine");

  Deno.test(`${source.name}.verify takes a request within five minutes of its time`, () => {
    for (
      const [ahead_ms, expected] of [[-299_000, true], [299_000, true], [-301_000, false], [
        301_000,
        false,
      ]] as const
    ) {
      strictEqual(
        verifies(source, { ...signedAt(source, now_ms + ahead_ms), now_ms }),
        expected,
        `${ahead_ms}`,
      );
    }
  });

  Deno.test(`${source.name}.verify refuses a time that is no plain number of its unit`, () => {
    const [good] = SECONDS.includes(source.name) ? [now_ms / 1000] : [now_ms];
    const wrong = SECONDS.includes(source.name) ? now_ms : now_ms / 1000;
    for (
      const time of [
        "",
        "NaN",
        `-${good}`,
        `${good}.0`,
        "1e30",
        `${wrong}`,
        `${good}, ${good}`,
        ` ${good}`,
        "Infinity",
      ]
    ) {
      strictEqual(verifies(source, signedWithTime(source, time)), false, time);
    }
    strictEqual(verifies(source, signedWithTime(source, String(Math.floor(good)))), true);
  });
}

/** Really signed over the very text of `time`, so that only the text can be what is refused. */
function signedWithTime(source: Source, time: string): Change {
  const { secret, headers, now_ms } = fixture(source, "genuine");
  switch (source.name) {
    case "stripe":
      return {
        now_ms,
        body: "x",
        headers: { "stripe-signature": `t=${time},v1=${hmacHex(secret, `${time}.x`)}` },
      };
    case "revolut":
      return {
        now_ms,
        body: "x",
        headers: {
          "revolut-request-timestamp": time,
          "revolut-signature": `v1=${hmacHex(secret, `v1.${time}.x`)}`,
        },
      };
    default: {
      const id = headers["webhook-id"];
      const key = Uint8Array.from(atob(secret.slice(6)), (character) => character.charCodeAt(0));
      const signature = `v1,${hmac(key, `${id}.${time}.x`).toString("base64")}`;
      return {
        now_ms,
        body: "x",
        headers: { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature },
      };
    }
  }
}

function hmac(key: string | Uint8Array, text: string) {
  return createHmac("sha256", key).update(text).digest();
}

function hmacHex(key: string, text: string): string {
  return hmac(key, text).toString("hex");
}

function spell(bytes: number) {
  return (text: string) => text.length === 64 ? "a".repeat(2 * bytes) : btoa("a".repeat(bytes));
}

function swapCase(text: string): string {
  return text.replace(/[a-z]|[A-Z]/g, (letter) => letter < "a" ? letter.toLowerCase() : letter.toUpperCase());
}

Deno.test("at most eight signatures are looked at, and the last of them counts", () => {
  const wrong = "0".repeat(64);
  const separator: Record<string, [string, string]> = {
    stripe: [`,v1=${wrong}`, ","],
    revolut: [`v1=${wrong}`, ","],
    standard_webhooks: [`v1,${btoa("x".repeat(32))}`, " "],
  };
  for (const source of signing.filter(({ name }) => name in separator)) {
    const genuine = fixture(source, "genuine");
    const value = genuine.headers[SIGNATURE[source.name]].replace(/,v0=.*/, "");
    const [other, between] = separator[source.name];
    const among = (count: number) =>
      source.name === "stripe"
        ? value.replace(",v1=", `${other.repeat(count - 1)},v1=`)
        : [...Array(count - 1).fill(other), value].join(between);
    strictEqual(verifies(source, withSignature(source, () => among(8))), true, source.name);
    strictEqual(verifies(source, withSignature(source, () => among(9))), false, source.name);
  }
});

Deno.test("stripe.verify refuses two times in one header", () => {
  const [stripe] = signing;
  const { headers, now_ms } = fixture(stripe, "genuine");
  strictEqual(stripe.name, "stripe");
  const time = Math.floor(now_ms / 1000);
  const twice = headers["stripe-signature"].replace(",v1", `,t=${time},v1`);
  strictEqual(verifies(stripe, withSignature(stripe, () => twice)), false);
  strictEqual(verifies(stripe, withSignature(stripe, (value) => `t=${time},${value}`)), false);
});

Deno.test("a second spelling of the same base64 bytes is refused", () => {
  for (const source of signing.filter(({ name }) => name === "shopify" || name === "standard_webhooks")) {
    // The last digit before the padding carries two bits that belong to no byte.
    const respelt = (value: string) =>
      value.replace(/.(?==$)/, (last) => String.fromCharCode(last.charCodeAt(0) + 1));
    strictEqual(verifies(source, withSignature(source, respelt)), false, source.name);
  }
});
