/** A slower parser of our own, for texts with numbers that a double cannot give back. */
import { setOwn } from "../own_member.ts";
import { JsonCursor, unquoted } from "./json_cursor.ts";

/** A number whose text says more than the nearest double: kept as written, also when it is written again. */
export class ExactNumber {
  constructor(readonly text: string) {}

  toJSON(): unknown {
    return rawJson(this.text);
  }
}

// `JSON.rawJSON` is in the engine, and not yet in TypeScript's library.
const rawJson = (JSON as typeof JSON & { rawJSON(text: string): unknown }).rawJSON;

/** Parses a text that `JSON.parse` accepted and that is at most 64 deep. */
export function parseExactly(text: string): unknown {
  return valueAt(new JsonCursor(text));
}

function valueAt(cursor: JsonCursor): unknown {
  cursor.skipBlanks();
  switch (cursor.character) {
    case '"':
      return unquoted(cursor.quoted());
    case "{":
      return objectAt(cursor);
    case "[":
      return listAt(cursor);
    default:
      return scalar(cursor.token());
  }
}

function objectAt(cursor: JsonCursor): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (cursor.at++; cursor.more();) setOwn(members, cursor.memberName(), valueAt(cursor));
  return members;
}

function listAt(cursor: JsonCursor): unknown[] {
  const items: unknown[] = [];
  for (cursor.at++; cursor.more();) items.push(valueAt(cursor));
  return items;
}

function scalar(token: string): unknown {
  return token === "true" ? true : token === "false" ? false : token === "null" ? null : readNumber(token);
}

/** Up to 15 significant digits a double gives the same decimal back; beyond, only where its shortest text is the source. */
function readNumber(source: string): number | ExactNumber {
  const value = Number(source);
  if (String(value) === source) return value;
  return source.length <= 15 && !/[eE][+-]?\d{3}/.test(source) ? value : new ExactNumber(source);
}
