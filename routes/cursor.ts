/**
 * Lists in pieces: a limit, and an opaque cursor that says after which item to go on.
 *
 * A cursor is sealed with the list that it was given for, which is a path and its filters. With any other, or changed
 * by a character, it is refused, because what it would give is a piece of no list. The seal is no secret: whoever makes
 * one gets what the filters would have given too, so all that it holds is still looked at.
 */
import { Buffer } from "node:buffer";
import type { Context } from "hono";
import { Fault } from "../lib/errors.ts";
import { sha256Hex } from "../lib/event/content_hash.ts";
import { writtenTime } from "../lib/written_time.ts";
import type { Env } from "./door.ts";

export interface PageRequest {
  limit: number;
  /** The key of the last item of the piece before; null for the beginning. */
  after: readonly string[] | null;
  /** Which list it is a piece of. */
  list: string;
}

export interface Piece<T> {
  items: T[];
  cursor: string | null;
}

/** Whether a part of a cursor's key may be what it is. */
export type Part = (text: string) => boolean;
export const ANY_TEXT: Part = () => true;
export const DAY: Part = (text) => /^.{10}$/.test(text) && writtenTime(text) !== null;
/** As our answers write it. */
export const TIME: Part = (text) => /^.{10}T.{8}(\.\d+)?Z$/.test(text) && writtenTime(text) !== null;
export const PLACE: Part = (text) => /^\d{1,9}$/.test(text);

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;
const SEAL_CHARS = 16;

/** Reads `limit` and `cursor` of an address; a faulty one is the sender's. */
export function pageRequest(
  c: Context<Env>,
  key: readonly Part[],
  default_limit = DEFAULT_LIMIT,
): PageRequest {
  const { limit, cursor, ...filters } = c.req.query();
  const given = Object.entries(filters).filter(([, value]) => value !== "").sort();
  const list = JSON.stringify([c.req.path, given]);
  return {
    limit: limitOf(limit, default_limit),
    after: cursor === undefined || cursor === "" ? null : readCursor(cursor, list, key),
    list,
  };
}

function limitOf(text: string | undefined, default_limit: number): number {
  if (text === undefined || text === "") return default_limit;
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw faulty("limit", "a whole number from 1 on");
  return Math.min(Number(text), MAX_LIMIT);
}

/** A piece of `found`, which was asked for with one item more than the limit so that it shows whether there are more. */
export function pieceOf<T>(
  found: readonly T[],
  { limit, list }: PageRequest,
  keyOf: (item: T) => readonly unknown[],
): Piece<T> {
  const items = found.slice(0, limit);
  const isWhole = found.length <= limit;
  return { items, cursor: isWhole ? null : writeCursor(keyOf(items[items.length - 1]).map(String), list) };
}

/** A piece of a whole list in memory whose text keys ascend (or descend) in the list's order. */
export function cutList<T>(
  all: readonly T[],
  page: PageRequest,
  order: { keyOf: (item: T) => string; descending?: boolean },
): Piece<T> {
  const [last] = page.after ?? [];
  const isLeft = (key: string) => last === undefined || (order.descending ? key < last : key > last);
  const left = all.filter((item) => isLeft(order.keyOf(item)));
  return pieceOf(left, page, (item) => [order.keyOf(item)]);
}

function writeCursor(key: readonly string[], list: string): string {
  const seal = sha256Hex(JSON.stringify([list, key])).slice(0, SEAL_CHARS);
  return Buffer.from(JSON.stringify([seal, ...key])).toString("base64url");
}

function readCursor(text: string, list: string, parts: readonly Part[]): string[] {
  const [, ...key] = unpacked(text);
  const isWhole = key.length === parts.length && parts.every((isPart, at) => isPart(key[at]));
  // Written again it is the same text, or it was not written here, or for another list.
  if (isWhole && writeCursor(key, list) === text) return key;
  throw faulty("cursor", "a cursor from an earlier answer of the same path with the same filters");
}

/** The texts that a cursor holds; none when it is no cursor. */
function unpacked(text: string): string[] {
  try {
    const held: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(held) && held.every((one) => typeof one === "string") ? held : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** The Fault of a parameter that cannot be read. */
export function faulty(field: string, expected: string): Fault {
  return new Fault("invalid_parameter", `Cannot read ${field}: it must be ${expected}`, {
    blame: "sender",
    retry: "never",
    fields: [{ field, code: "invalid_format", expected }],
  });
}
