/** Lists in pieces: a limit, and an opaque cursor that says after which item to go on. */
import { Buffer } from "node:buffer";
import { Fault } from "../lib/errors.ts";

export interface PageRequest {
  limit: number;
  /** The key of the last item of the piece before; null for the beginning. */
  after: readonly string[] | null;
}

export interface Piece<T> {
  items: T[];
  cursor: string | null;
}

const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;

/** Reads `limit` and `cursor` of an address; a faulty one is the sender's. */
export function pageRequest(query: Readonly<Record<string, string>>, parts: number): PageRequest {
  return {
    limit: limitOf(query.limit),
    after: query.cursor === undefined || query.cursor === "" ? null : readCursor(query.cursor, parts),
  };
}

function limitOf(text: string | undefined): number {
  if (text === undefined || text === "") return DEFAULT_LIMIT;
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw faulty("limit", "a whole number from 1 on");
  return Math.min(Number(text), MAX_LIMIT);
}

/** A piece of `found`, which was asked for with one item more than the limit so that it shows whether there are more. */
export function pieceOf<T>(
  found: readonly T[],
  limit: number,
  keyOf: (item: T) => readonly unknown[],
): Piece<T> {
  const items = found.slice(0, limit);
  return { items, cursor: found.length > limit ? writeCursor(keyOf(items[items.length - 1])) : null };
}

/** A piece of a whole list in memory whose text keys ascend (or descend) in the list's order. */
export function cutList<T>(
  all: readonly T[],
  { limit, after }: PageRequest,
  order: { keyOf: (item: T) => string; descending?: boolean },
): Piece<T> {
  const [last] = after ?? [];
  const isLeft = (key: string) => last === undefined || (order.descending ? key < last : key > last);
  const left = all.filter((item) => isLeft(order.keyOf(item)));
  return pieceOf(left, limit, (item) => [order.keyOf(item)]);
}

function writeCursor(key: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(key.map(String))).toString("base64url");
}

function readCursor(text: string, parts: number): string[] {
  let key: unknown = null;
  try {
    key = JSON.parse(Buffer.from(text.slice(0, 2_000), "base64url").toString());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const isKey = Array.isArray(key) && key.length === parts && key.every((one) => typeof one === "string");
  if (!isKey) throw faulty("cursor", "a cursor from an earlier answer");
  return key as string[];
}

/** The Fault of a parameter that cannot be read. */
export function faulty(field: string, expected: string): Fault {
  return new Fault("invalid_parameter", `Cannot read ${field}: it must be ${expected}`, {
    blame: "sender",
    retry: "never",
    fields: [{ field, code: "invalid_format", expected }],
  });
}
