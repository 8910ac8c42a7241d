/**
 * Replaces values at configured paths by keyed tokens before anything is stored; all other bytes stay as received.
 *
 *   {"card": {"last4": "4242"}, "n": 1}   path card.last4   {"card": {"last4": "redacted:5a1f..."}, "n": 1}
 *
 * Equal values under one key give equal tokens, so they can still be counted and joined. A path is names joined by
 * dots; `*` stands for every member or element. Every copy of a duplicate key is replaced, also those that lose. null
 * stays null. A body that is no JSON cannot be redacted and is not stored at all.
 */
import { JsonCursor, unquoted } from "../event/json_cursor.ts";
import { decodeJson } from "../event/json_text.ts";
import { type HmacKey, hmacKey, hmacSha256 } from "./signature.ts";

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
    const sha256 = hmacSha256(key, "body\u0000", bytes).toHex();
    const decoded = decodeJson(bytes);
    if (!decoded.ok) return { value: new Uint8Array(), sha256 };
    const text = replaceValues(decoded.text, steps, key);
    return { value: text === decoded.text ? bytes : encoder.encode(text), sha256 };
  };
}

/** Copies a valid text that is at most 64 deep, with the values at the paths replaced. */
function replaceValues(text: string, steps: readonly Path[], key: HmacKey): string {
  const cursor = new JsonCursor(text);
  let output = "";
  let copied = 0;
  for (const [start, end] of spansOf(cursor, steps)) {
    const source = text.slice(start, end);
    if (source === "null") continue;
    output += text.slice(copied, start) + JSON.stringify(token(source, key));
    copied = end;
  }
  return output + text.slice(copied);
}

/** The rest of a path, from the value on at which the cursor stands. */
type Path = readonly string[];

/** Where the values at the paths begin and end; a path without rest is that of the value itself. */
function* spansOf(cursor: JsonCursor, paths: readonly Path[]): Generator<[number, number]> {
  cursor.skipBlanks();
  const start = cursor.at;
  if (paths.some((rest) => rest.length === 0)) {
    cursor.skipValue();
    yield [start, cursor.at];
  } else if (paths.length > 0 && cursor.character === "{") {
    for (cursor.at++; cursor.more();) yield* spansOf(cursor, below(paths, cursor.memberName()));
  } else if (paths.length > 0 && cursor.character === "[") {
    cursor.at++;
    for (let index = 0; cursor.more(); index++) yield* spansOf(cursor, below(paths, String(index)));
  } else cursor.skipValue();
}

function below(paths: readonly Path[], name: string): readonly Path[] {
  return paths.filter((rest) => rest[0] === name || rest[0] === "*").map((rest) => rest.slice(1));
}

/** A string's token is that of what it says, however it is escaped. */
function token(source: string, key: HmacKey): string {
  const said = source[0] === '"' ? unquoted(source) : source;
  return `redacted:${hmacSha256(key, "value\u0000", said).toHex().slice(0, TOKEN_DIGITS)}`;
}
