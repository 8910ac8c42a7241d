/**
 * From received bytes to a JSON value, strictly: UTF-8 without a byte order mark, no lone surrogates, at most 64 levels.
 *
 * The common event is one `JSON.parse`. Cheap looks at the text decide whether more is needed: nesting is measured only
 * when more than 64 brackets stand in the text, escapes are read only when one could be a surrogate, and numbers that a
 * double cannot give back (2^53 + 1, 1e400, 17 digits) are kept as written by a slower parser of our own. Nothing here
 * recurses before the depth is known, so a body of 100,000 brackets costs a scan and no stack.
 */
import { ExactNumber, parseExactly } from "./exact_json.ts";
import { endOfString } from "./json_cursor.ts";

export const MAX_DEPTH = 64;

export type UndecodableReason = "undecodable" | "too_deep";

/** `text` is null when the bytes are no UTF-8. */
export type Decoded =
  | { ok: true; value: unknown; text: string }
  | { ok: false; reason: UndecodableReason; text: string | null };

export type JsonObject = { readonly [key: string]: unknown };

// ignoreBOM keeps the mark in the text, where it makes JSON.parse fail as it must.
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Stands where the lenient decoder found no character; a sender may also mean it. */
const REPLACEMENT = "\ufffd";

const LONG_RUN = 16;
const LONG_EXPONENT = /\d[eE][+-]?\d{3}/;
const LONG_NUMBER = /(?:^|[\s:,[])-?(?:[\d.]{16,}|[\d.]+[eE][+-]?\d{3,})/;
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/** The text of `bytes`, or null when they are not UTF-8. The strict decoder takes several times as long. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  const text = lenient.decode(bytes);
  if (!text.includes(REPLACEMENT)) return text;
  try {
    return strict.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** What `bytes` say, or why they say nothing. */
export function decodeJson(bytes: Uint8Array): Decoded {
  const text = decodeUtf8(bytes);
  return text === null ? { ok: false, reason: "undecodable", text } : parseJson(text);
}

/** As `decodeJson`, for text that was decoded already. */
export function parseJson(text: string): Decoded {
  const decoded = parsePlainly(text);
  if (!decoded.ok || !mayHoldLongNumber(text) || !LONG_NUMBER.test(text)) return decoded;
  return { ok: true, value: parseExactly(text), text };
}

/** As `parseJson`, but long numbers are what a double makes of them: enough to judge the text and find its key. */
export function parsePlainly(text: string): Decoded {
  const depth = mayBeDeep(text) ? measureDepth(text) : "fine";
  if (depth === "undecodable") return { ok: false, reason: depth, text };
  let value: unknown;
  try {
    value = JSON.parse(depth === "fine" ? text : withoutDepths(text, MAX_DEPTH));
  } catch (error) {
    if (error instanceof SyntaxError) return { ok: false, reason: "undecodable", text };
    throw error;
  }
  if (mayHoldLoneSurrogate(text) && hasLoneSurrogate(text)) {
    return { ok: false, reason: "undecodable", text };
  }
  return depth === "fine" ? { ok: true, value, text } : { ok: false, reason: depth, text };
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof ExactNumber);
}

/** The value of an own key, so that `constructor` or `toString` is found only where it was sent. */
export function ownValue(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A step down a path of objects; undefined as soon as one is missing. */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  for (const key of path) {
    if (!isJsonObject(value)) return undefined;
    value = ownValue(value, key);
  }
  return value;
}

/** A cheap look: false is certain. */
export function mayHoldLoneSurrogate(text: string): boolean {
  return text.includes("\\u") && SURROGATE_ESCAPE.test(text);
}

/** A cheap look, false is certain: a run of 16 digits covers one of every 16th characters. */
function mayHoldLongNumber(text: string): boolean {
  for (let at = LONG_RUN - 1; at < text.length; at += LONG_RUN) {
    if (!isNumeral(text.charCodeAt(at))) continue;
    let [start, end] = [at, at + 1];
    while (isNumeral(text.charCodeAt(start - 1))) start--;
    while (isNumeral(text.charCodeAt(end))) end++;
    if (end - start >= LONG_RUN) return true;
  }
  return LONG_EXPONENT.test(text);
}

function isNumeral(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2e;
}

/** A cheap look, false is certain: what opens no more than 64 brackets, strings included, is not deeper. */
function mayBeDeep(text: string): boolean {
  let left = MAX_DEPTH;
  for (const bracket of ["{", "["]) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (--left < 0) return true;
    }
  }
  return false;
}

/**
 * Whether brackets outside strings stay within 64 levels. A text that is no JSON is undecodable before it is too deep:
 * here that is one whose brackets do not match.
 */
function measureDepth(text: string): "fine" | UndecodableReason {
  const open: number[] = [];
  let deepest = 0;
  let matched = true;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = endOfString(text, at);
    } else if (code === 0x7b || code === 0x5b) {
      open.push(code);
      if (open.length > deepest) deepest = open.length;
    } else if (code === 0x7d || code === 0x5d) {
      // A closing bracket stands two code points after its opening one.
      if (open.pop() !== code - 2) matched = false;
    }
  }
  if (deepest <= MAX_DEPTH) return "fine";
  return matched && open.length === 0 ? "too_deep" : "undecodable";
}

/** The text with 0 in the place of every value deeper than `levels`: parsing it costs no more than its length. */
export function withoutDepths(text: string, levels: number): string {
  let output = "";
  let copied = 0;
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = endOfString(text, at);
    } else if (code === 0x7b || code === 0x5b) {
      if (++level === levels + 1) output += `${text.slice(copied, at)}0`;
    } else if ((code === 0x7d || code === 0x5d) && --level === levels) {
      copied = at + 1;
    }
  }
  // What was opened too deep and never closed is left out, and the rest does not parse.
  return level > levels ? output : output + text.slice(copied);
}

/** Reads every escape of a valid JSON text in order: a high half must be followed at once by an escaped low half. */
function hasLoneSurrogate(text: string): boolean {
  let low_half_at = -1;
  for (let at = text.indexOf("\\"); at >= 0; at = text.indexOf("\\", at)) {
    const is_unit = text.charCodeAt(at + 1) === 0x75;
    const unit = is_unit ? parseInt(text.slice(at + 2, at + 6), 16) : 0;
    const is_low = unit >= 0xdc00 && unit <= 0xdfff;
    if (is_low ? low_half_at !== at : low_half_at >= 0) return true;
    at += is_unit ? 6 : 2;
    low_half_at = unit >= 0xd800 && unit <= 0xdbff ? at : -1;
  }
  return low_half_at >= 0;
}
