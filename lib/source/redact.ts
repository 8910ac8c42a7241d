/**
 * Replaces values at configured paths by keyed tokens before anything is stored; all other bytes stay as received.
 *
 *   {"card": {"last4": "4242"}, "n": 1}   path card.last4   {"card": {"last4": "redacted:5a1f..."}, "n": 1}
 *
 * Equal values under one key give equal tokens, so they can still be counted and joined. A path is names joined by
 * dots; `*` stands for every member or element. Every copy of a duplicate key is replaced, also those that lose. null
 * stays null. A body that is no JSON cannot be redacted and is not stored at all.
 */
import { decodeJson } from "../event/json_text.ts";
import { hexText, type HmacKey, hmacKey, hmacSha256 } from "./signature.ts";

export interface Redacted {
  /** Empty when the bytes could not be understood. */
  value: Uint8Array;
  /** Keyed hash of the bytes as received: a plain one would let anybody test guesses. */
  sha256: string;
}

export type Redactor = (bytes: Uint8Array) => Redacted;

const TOKEN_DIGITS = 32;
const encoder = new TextEncoder();

export function createRedactor(paths: readonly string[], redact_key: string): Redactor {
  const key = hmacKey(encoder.encode(redact_key));
  const steps = paths.map((path) => path.split("."));
  return (bytes) => {
    const sha256 = hexText(hmacSha256(key, "body\u0000", bytes));
    const decoded = decodeJson(bytes);
    if (!decoded.ok) return { value: new Uint8Array(), sha256 };
    const text = replaceValues(decoded.text, steps, key);
    return { value: text === decoded.text ? bytes : encoder.encode(text), sha256 };
  };
}

/** Walks a valid text that is at most 64 deep, and copies it with the values at the paths replaced. */
function replaceValues(text: string, steps: readonly (readonly string[])[], key: HmacKey): string {
  let at = 0;
  let copied = 0;
  let output = "";
  const skip = () => {
    while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  };
  const replace = (start: number) => {
    const source = text.slice(start, at);
    if (source === "null") return;
    output += text.slice(copied, start) + JSON.stringify(token(source, key));
    copied = at;
  };
  /** `open` are the rests of the paths that lead to this value; an empty rest means this value itself. */
  const value = (open: readonly (readonly string[])[]) => {
    skip();
    const start = at;
    const hit = open.some((rest) => rest.length === 0);
    const inner = hit ? [] : open;
    if (text[at] === "{") members("}", inner);
    else if (text[at] === "[") members("]", inner);
    else if (text[at] === '"') at = stringEnd(text, at);
    else while (at < text.length && !/[,\]}\s]/.test(text[at])) at++;
    if (hit) replace(start);
  };
  const members = (close: "}" | "]", open: readonly (readonly string[])[]) => {
    at++;
    for (let index = 0;; index++) {
      skip();
      if (text[at] === ",") {
        at++;
        skip();
      }
      if (text[at] === close) break;
      value(below(open, close === "}" ? memberName() : String(index)));
    }
    at++;
  };
  const memberName = (): string => {
    const start = at;
    at = stringEnd(text, at);
    const name: unknown = JSON.parse(text.slice(start, at));
    skip();
    at++;
    return String(name);
  };
  value(steps);
  return output + text.slice(copied);
}

function below(open: readonly (readonly string[])[], name: string): readonly (readonly string[])[] {
  if (open.length === 0) return open;
  return open.filter((rest) => rest[0] === name || rest[0] === "*").map((rest) => rest.slice(1));
}

/** The place behind the quote that closes the string opened at `at`. */
function stringEnd(text: string, at: number): number {
  for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
  return at + 1;
}

/** A string's token is that of what it says, however it is escaped. */
function token(source: string, key: HmacKey): string {
  const said = source[0] === '"' ? String(JSON.parse(source)) : source;
  return `redacted:${hexText(hmacSha256(key, "value\u0000", said)).slice(0, TOKEN_DIGITS)}`;
}
