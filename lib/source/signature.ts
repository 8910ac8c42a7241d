/**
 * What all signed senders share: HMAC-SHA256 over pieces, strict decoding, comparison in constant time, freshness.
 *
 * An HMAC is two hashes, H(key xor opad, H(key xor ipad, message)); what the two padded keys make of a hash is kept once a
 * secret. Every key is tried with every signature and nothing stops early, so the time tells neither which key nor how
 * many bytes were right. Limits (8 signatures, 4 keys, 4 kB of header) keep a hostile header cheap.
 */
import { createHmac, hash } from "node:crypto";
import type { WebhookSecret } from "../setting_parts.ts";
import { absorb, BLOCK_BYTES, DIGEST_BYTES, finish, startState } from "./sha256.ts";

export const MAX_SIGNATURES = 8;
export const MAX_KEYS = 4;
export const MAX_HEADER_CHARACTERS = 4096;
export const MAX_AGE_MS = 300_000;
/** Padded keys that are remembered; more than any configuration has. */
const REMEMBERED_KEYS = 64;
/** At most, of one UTF-16 unit. */
const UTF8_BYTES = 3;

export interface HmacKey {
  bytes: Uint8Array;
  /** The hash after the padded key, inside and outside. */
  inner: Int32Array;
  outer: Int32Array;
}

const encoder = new TextEncoder();
/** A message in one piece, where it has room: written anew by each call, as are the state and the digest inside. */
const shared = new Uint8Array(16 * 1024);
const state = startState();
const innerDigest = new Uint8Array(DIGEST_BYTES);

/** Prepares a key of any length. */
export function hmacKey(key: Uint8Array): HmacKey {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? Uint8Array.fromHex(hash("sha256", key, "hex")) : key);
  return { bytes: key.slice(), inner: stateAfter(block, 0x36), outer: stateAfter(block, 0x5c) };
}

function stateAfter(block: Uint8Array, padding: number): Int32Array {
  const after = startState();
  absorb(after, block.map((byte) => byte ^ padding));
  return after;
}

/** HMAC-SHA256 of the pieces one after the other. */
export function hmacSha256(key: HmacKey, ...pieces: readonly (string | Uint8Array)[]): Uint8Array {
  const message = joined(pieces);
  if (message === null) return ofLarge(key, pieces);
  const digest = new Uint8Array(DIGEST_BYTES);
  state.set(key.inner);
  finish(state, message, BLOCK_BYTES, innerDigest);
  state.set(key.outer);
  finish(state, innerDigest, BLOCK_BYTES, digest);
  return digest;
}

/** By the byte the runtime is several times as fast, and an object each (sha256.ts) does not matter here. */
function ofLarge(key: HmacKey, pieces: readonly (string | Uint8Array)[]): Uint8Array {
  const hmac = createHmac("sha256", key.bytes);
  for (const piece of pieces) hmac.update(piece);
  return new Uint8Array(hmac.digest());
}

/** The pieces as one, which holds until the next call; null when they are large. */
function joined(pieces: readonly (string | Uint8Array)[]): Uint8Array | null {
  let room = 0;
  for (const piece of pieces) room += typeof piece === "string" ? piece.length * UTF8_BYTES : piece.length;
  if (room > shared.length) return null;
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") at += encoder.encodeInto(piece, shared.subarray(at)).written;
    else {
      shared.set(piece, at);
      at += piece.length;
    }
  }
  return shared.subarray(0, at);
}

/** How a sender turns the text of a secret into key bytes; null when the text is no key. */
export type KeyReader = (secret: string) => Uint8Array | null;

/** The text itself is the key. */
export const textKey: KeyReader = (secret) => secret === "" ? null : encoder.encode(secret);

/** Gives the prepared keys that are in force at `now_ms`, each secret prepared once. */
export function keyring(read: KeyReader): (secrets: readonly WebhookSecret[], now_ms: number) => HmacKey[] {
  const prepared = new Map<string, HmacKey | null>();
  return (secrets, now_ms) => {
    const keys: HmacKey[] = [];
    for (const { secret, until_ms } of secrets.slice(0, MAX_KEYS)) {
      if (until_ms !== null && now_ms >= until_ms) continue;
      let key = prepared.get(secret);
      if (key === undefined) {
        const bytes = read(secret);
        key = bytes === null ? null : hmacKey(bytes);
        if (prepared.size >= REMEMBERED_KEYS) prepared.clear();
        prepared.set(secret, key);
      }
      if (key !== null) keys.push(key);
    }
    return keys;
  };
}

/** Whether any key gives any of the signatures (each 32 bytes) over the pieces; looks at all of them. */
export function anyMatches(
  keys: readonly HmacKey[],
  signatures: readonly Uint8Array[],
  ...pieces: readonly (string | Uint8Array)[]
): boolean {
  let found = 0;
  for (const key of keys) {
    const digest = hmacSha256(key, ...pieces);
    for (const signature of signatures) found |= equal(digest, signature);
  }
  return found === 1;
}

/** 1 when both are 32 equal bytes, else 0, in the same time wherever they differ. */
function equal(a: Uint8Array, b: Uint8Array): 0 | 1 {
  if (a.length !== DIGEST_BYTES || b.length !== DIGEST_BYTES) return 0;
  let difference = 0;
  for (let at = 0; at < DIGEST_BYTES; at++) difference |= a[at] ^ b[at];
  return difference === 0 ? 1 : 0;
}

/**
 * The value of a header that may stand once; null when it is absent or too long. A header given twice arrives joined
 * with ", ": no signature header has a blank after a comma, so such a value is refused.
 */
export function singleHeader(headers: Headers, name: string): string | null {
  const value = headers.get(name);
  return value === null || value.length > MAX_HEADER_CHARACTERS || value.includes(", ") ? null : value;
}

/** 64 lower-case hex digits as 32 bytes, else null. */
export function hexDigest(text: string): Uint8Array | null {
  return /^[0-9a-f]{64}$/.test(text) ? Uint8Array.fromHex(text) : null;
}

/** Base64 with its padding and nothing else, else null. */
export function strictBase64(text: string): Uint8Array | null {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  const binary = atob(text);
  // The last digit may hold bits that belong to no byte: a second spelling of the same bytes is refused.
  return btoa(binary) === text ? Uint8Array.from(binary, (character) => character.charCodeAt(0)) : null;
}

/** 44 characters of strict base64 as 32 bytes, else null. */
export function base64Digest(text: string): Uint8Array | null {
  return text.length === 44 ? strictBase64(text) : null;
}

/** Bytes as padded base64. */
export function base64Text(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Whether the digits, in units of `unit_ms`, are a time at most five minutes from now. */
export function isFresh(digits: string, unit_ms: 1 | 1000, now_ms: number): boolean {
  if (!/^\d{1,15}$/.test(digits)) return false;
  return Math.abs(now_ms - Number(digits) * unit_ms) <= MAX_AGE_MS;
}
