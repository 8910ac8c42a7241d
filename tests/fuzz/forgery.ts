/**
 * Requests that are nearly genuine, by the million: each was signed correctly and then changed in its signature, its
 * signed time or id, its body, or several of these; or it carries parts of another genuine request.
 *
 * Invariants: `verify` never throws; what it takes has a signature that a second, plain implementation finds right for
 * exactly these bytes, this time and this id (a change may hit what is not signed, or change nothing).
 */
import { createHmac } from "node:crypto";
import type { Source } from "../../lib/source/source.ts";
import { SENDERS } from "../../lib/source/sources.ts";
import { Random } from "../../lib/generator/random.ts";

const NOW_MS = Date.UTC(2026, 10, 20, 12);
const SECRET: Readonly<Record<string, string>> = {
  stripe: "whsec_of_the_forgery_test",
  revolut: "wsk_of_the_forgery_test",
  github: "secret of the forgery test",
  shopify: "shpss_of_the_forgery_test",
  standard_webhooks: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
/** Genuine requests to begin with, each 40 s older than the one before: the last ones are too old. */
const POOL = 12;
const OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/** Characters that mean something somewhere in a signature header. */
const PIECES = [
  "0",
  "f",
  "z",
  "A",
  "=",
  "==",
  ",",
  ", ",
  " ",
  ".",
  "v1",
  "v0",
  "v1=",
  "v1,",
  "t=",
  "sha256=",
  "\t",
  "%00",
  "-",
  "+",
  "/",
];

export interface Forged {
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface Tried {
  tried: number;
  /** By sender, how many were changed in nothing that is signed, and therefore rightly taken. */
  genuine: Record<string, number>;
}

export const signing = SENDERS.filter(({ name }) => name in SECRET);

/** Tries `count` forgeries; throws at the first that is wrongly taken. */
export function tryForgeries(seed: number, count: number): Tried {
  const random = new Random(`forgery ${seed}`);
  const pool = new Map(
    signing.map((source) => [source, Array.from({ length: POOL }, (_, i) => genuine(source, i))]),
  );
  const taken: Record<string, number> = {};
  for (let tried = 0; tried < count; tried++) {
    const source = random.pick(signing);
    const request = forged(source, { random, pool: pool.get(source)! });
    const headers = headersOf(request.headers);
    if (headers === null) continue;
    const secrets = [{ secret: SECRET[source.name], until_ms: null }];
    if (!source.verify({ headers, body: request.body, now_ms: NOW_MS }, secrets)) continue;
    taken[source.name] = (taken[source.name] ?? 0) + 1;
    if (!isRight(source, headers, request.body)) {
      throw new Error(
        `${source.name} took a forgery (seed ${seed}, try ${tried}): ${JSON.stringify(request.headers)}`,
      );
    }
  }
  return { tried: count, genuine: taken };
}

function genuine(source: Source, i: number, secret = SECRET[source.name]): Forged {
  const { body, headers } = source.sample(`f${i}`, NOW_MS);
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const proof = source.sign(bytes, { secret, now_ms: NOW_MS - i * 40_000, id: String(i) });
  return { headers: { ...headers, ...proof }, body: bytes };
}

function forged(source: Source, { random, pool }: { random: Random; pool: readonly Forged[] }): Forged {
  const first = random.pick(pool);
  const request = { headers: { ...first.headers }, body: first.body };
  for (let changes = random.whole(1, 3); changes > 0; changes--) {
    switch (random.below(6)) {
      case 0:
        request.body = bent(request.body, random);
        break;
      case 1:
        request.body = random.pick(pool).body;
        break;
      case 2: {
        const name = random.pick(Object.keys(request.headers));
        request.headers[name] = random.pick(pool).headers[name] ?? "";
        break;
      }
      case 3:
        Object.assign(request.headers, genuine(source, random.below(POOL), OTHER_SECRET).headers);
        break;
      default: {
        const name = random.pick(Object.keys(request.headers));
        request.headers[name] = bentText(request.headers[name], random);
      }
    }
  }
  return request;
}

/** A few bytes changed, left out, added, or the whole written otherwise. */
function bent(body: Uint8Array, random: Random): Uint8Array {
  const at = random.below(body.length + 1);
  switch (random.below(4)) {
    case 0: {
      const changed = body.slice();
      if (at < changed.length) changed[at] ^= 1 << random.below(8);
      return changed;
    }
    case 1:
      return body.slice(0, at);
    case 2:
      return new Uint8Array([...body, random.pick([0x0a, 0x0d, 0x20, 0x00, 0x7d])]);
    default:
      return new Uint8Array([0xef, 0xbb, 0xbf, ...body]);
  }
}

function bentText(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const piece = random.pick(PIECES);
  switch (random.below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + piece + text.slice(at);
    case 2:
      return text.slice(0, at) + piece + text.slice(at + piece.length);
    case 3:
      return text.slice(0, at);
    case 4:
      return random.chance(0.5) ? text.toUpperCase() : text.toLowerCase();
    case 5:
      return `${text}${random.pick([",", " ", ", "])}${text}`;
    default:
      return text.replace(
        /\d{10,13}/,
        (digits) => String(Number(digits) + random.whole(-2_000_000, 2_000_000)),
      );
  }
}

/** null for what HTTP itself would not carry. */
function headersOf(headers: Record<string, string>): Headers | null {
  try {
    return new Headers(headers);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** Whether some part of the header is the signature of these bytes: looked for by cutting at everything that separates. */
function isRight({ name }: Source, headers: Headers, body: Uint8Array): boolean {
  const all = [...headers.values()].join("\n");
  const base64 = name === "shopify" || name === "standard_webhooks";
  const said = (prefix: string) => {
    const key = name === "standard_webhooks" ? atobBytes(SECRET[name].slice(6)) : SECRET[name];
    return createHmac("sha256", key).update(prefix).update(body).digest(base64 ? "base64" : "hex");
  };
  switch (name) {
    case "stripe": {
      const time = /(?:^|,)t=(\d+)(?:,|$)/.exec(headers.get("stripe-signature") ?? "")?.[1] ?? "";
      return isNow(Number(time) * 1000) && all.includes(`v1=${said(`${time}.`)}`);
    }
    case "revolut": {
      const time = headers.get("revolut-request-timestamp") ?? "";
      return isNow(Number(time)) && all.includes(`v1=${said(`v1.${time}.`)}`);
    }
    case "standard_webhooks": {
      const [id, time] = [headers.get("webhook-id"), headers.get("webhook-timestamp")];
      return isNow(Number(time) * 1000) && !id!.includes(".") && all.includes(`v1,${said(`${id}.${time}.`)}`);
    }
    default:
      return all.includes(said(""));
  }
}

function isNow(time_ms: number): boolean {
  return Math.abs(time_ms - NOW_MS) <= 300_000;
}

function atobBytes(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
