/**
 * `/lake/*`: the bytes of data files, for engines that read by ranges.
 *
 * On disk the answer is ours: one range, 206 or 416, an ETag. In a bucket it is a redirect to an address signed for
 * this one object and a minute, so that bytes come straight from the store and nothing secret stands in the page.
 * HEAD is answered from the manifest either way.
 */
import { type Context, Hono } from "hono";
import type { ObjectStore } from "../lib/store/object_store.ts";
import type { Env } from "./door.ts";
import type { LakeFiles, ReadableFile } from "./lake_files.ts";
import { problem } from "./problem.ts";

export interface FilesDeps {
  files: LakeFiles;
  store: ObjectStore;
}

const SIGNED_S = 60;
const REDIRECT_AGE_S = 30;
const PIECE_BYTES = 256 * 1024;

export function files(deps: FilesDeps): Hono<Env> {
  return new Hono<Env>().get("/lake/*", async (c) => {
    const name = decoded(c.req.path.slice("/lake/".length));
    const file = name === null ? null : await deps.files.find(name);
    if (file === null) {
      return problem({ status: 404, detail: "No snapshot lists this file.", code: "not_listed" });
    }
    if (isKnown(c.req.header("if-none-match"), etagOf(file))) {
      return new Response(null, { status: 304, headers: headers(file) });
    }
    if (c.req.raw.method === "HEAD") return headOf(c, file);
    const signed = await deps.store.presign(file.key, SIGNED_S);
    return signed === null ? await bytesOf(c, file, deps.store) : redirect(signed);
  });
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

/** Bytes `start` to `end - 1`; "all" without a usable Range, null for one that lies outside the file. */
export type RangeReading = { start: number; end: number } | "all" | null;

/** Reads a Range of one piece. More pieces, and units that nobody knows, are answered with the whole file. */
export function readRange(header: string | undefined, size_bytes: number): RangeReading {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/.exec(header ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return "all";
  if (match[1] === "") {
    const last = Math.min(Number(match[2]), size_bytes);
    return last === 0 ? null : { start: size_bytes - last, end: size_bytes };
  }
  const start = Number(match[1]);
  const end = match[2] === "" ? size_bytes : Math.min(Number(match[2]) + 1, size_bytes);
  if (match[2] !== "" && Number(match[2]) < start) return "all";
  return start >= size_bytes ? null : { start, end };
}

function headers(file: ReadableFile): Record<string, string> {
  return {
    "content-type": "application/vnd.apache.parquet",
    "accept-ranges": "bytes",
    etag: etagOf(file),
    // The name stands for its bytes, but the engine's own cache must not outlive our token.
    "cache-control": "no-store",
  };
}

/** Files never change, so their name and length are their version. */
function etagOf({ key, size_bytes }: ReadableFile): string {
  return `"${key.slice(key.lastIndexOf("/") + 1).replace(/[^A-Za-z0-9._-]/g, "")}-${size_bytes}"`;
}

/** Whether a list of tags (weak ones count, `*` is any) names the one that the file has. */
function isKnown(header: string | undefined, etag: string): boolean {
  const tags = (header ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag);
}

/** From the manifest alone. An engine that asks with a Range wants to hear that ranges work. */
function headOf(c: Context<Env>, file: ReadableFile): Response {
  const range = rangeOf(c, file);
  if (range === null) return outside(file);
  const { size_bytes } = file;
  if (range === "all") {
    return new Response(null, { headers: { ...headers(file), "content-length": String(size_bytes) } });
  }
  return new Response(null, { status: 206, headers: { ...headers(file), ...partOf(range, size_bytes) } });
}

async function bytesOf(c: Context<Env>, file: ReadableFile, store: ObjectStore): Promise<Response> {
  const range = rangeOf(c, file);
  if (range === null) return outside(file);
  const { start, end } = range === "all" ? { start: 0, end: file.size_bytes } : range;
  const first = await store.read(file.key, { start, end: Math.min(end, start + PIECE_BYTES) });
  if (first === null) return gone();
  const status = range === "all" ? 200 : 206;
  const length = range === "all" ? { "content-length": String(end) } : partOf(range, file.size_bytes);
  return new Response(pieces(store, file.key, { first, start, end }), {
    status,
    headers: { ...headers(file), ...length },
  });
}

/** A range with an If-Range that does not fit is no range. */
function rangeOf(c: Context<Env>, file: ReadableFile): RangeReading {
  const condition = c.req.header("if-range");
  if (condition !== undefined && condition !== etagOf(file)) return "all";
  return readRange(c.req.header("range"), file.size_bytes);
}

function partOf({ start, end }: { start: number; end: number }, size_bytes: number): Record<string, string> {
  return {
    "content-range": `bytes ${start}-${end - 1}/${size_bytes}`,
    "content-length": String(end - start),
  };
}

/** The bytes in pieces, as fast as the client takes them; a piece that is missing cuts the answer short. */
function pieces(
  store: ObjectStore,
  key: string,
  { first, start, end }: { first: Uint8Array; start: number; end: number },
): ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> {
  if (start + first.length >= end) return new Uint8Array(first);
  let at = start;
  let next: Uint8Array | null = first;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      next ??= await store.read(key, { start: at, end: Math.min(end, at + PIECE_BYTES) });
      if (next === null || next.length === 0) return controller.error(new Error("the file ended early"));
      at += next.length;
      controller.enqueue(next);
      next = null;
      if (at >= end) controller.close();
    },
  });
}

function redirect(signed: string): Response {
  return new Response(null, {
    status: 307,
    headers: {
      location: signed,
      // One redirect serves the many ranges of a scan; it ends well before the signature does.
      "cache-control": `private, max-age=${REDIRECT_AGE_S}`,
      "referrer-policy": "no-referrer",
    },
  });
}

function outside({ size_bytes }: ReadableFile): Response {
  return problem({
    status: 416,
    detail: `The file has ${size_bytes} bytes.`,
    headers: { "content-range": `bytes */${size_bytes}` },
  });
}

function gone(): Response {
  return problem({
    status: 410,
    detail: "The file was listed and is deleted by now: ask for the list again.",
  });
}
