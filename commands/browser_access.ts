/**
 * Whether a browser can read data files straight from the store: one ranged GET as the page makes it, with our Origin.
 *
 *   page at our origin ─ GET /lake/... ─► 307 ─► the store: it must allow our origin and expose what ranges need
 */
import type { Settings } from "../lib/config.ts";
import { lakePrefix, storeOrigin } from "../lib/connect.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";
import { reachableUrl } from "./listen.ts";

export interface Found {
  level: "ok" | "warn" | "WRONG";
  text: string;
  /** What to do about it. */
  advice?: string;
}

/** Headers of an answer without which the engine in the page cannot work by ranges. */
const NEEDED = ["content-range", "content-length", "etag"];
/** Among those that any page may read. */
const ALWAYS_EXPOSED = new Set(["content-length"]);
const SIGNED_S = 60;
const ANSWER_MS = 10_000;

/** Where people open the page: the Origin that the browser sends along. */
export function pageOrigin({ PUBLIC_URL, HOST, PORT }: Settings): string {
  return PUBLIC_URL === null ? reachableUrl(HOST, PORT) : new URL(PUBLIC_URL).origin;
}

export async function browserAccess(settings: Settings, store: ObjectStore): Promise<Found> {
  const origin = pageOrigin(settings);
  const target = await storeOrigin(store);
  if (target === null) return { level: "ok", text: "the page reads files from this server itself" };
  if (origin.startsWith("https:") && target.startsWith("http:")) {
    return {
      level: "warn",
      text: `the page is at ${origin}, the store at ${target}: browsers block plain http under https`,
      advice: "give the store https and name it in S3_PUBLIC_ENDPOINT",
    };
  }
  const key = await anyObject(settings, store);
  if (key === null) return { level: "ok", text: "no object yet to try it with" };
  const signed = await store.presign(key, SIGNED_S);
  return signed === null
    ? { level: "ok", text: "the store signs no addresses" }
    : await rangedGet(signed, origin, target);
}

async function rangedGet(signed: string, origin: string, target: string): Promise<Found> {
  const answer = await fetch(signed, {
    headers: { origin, range: "bytes=0-0" },
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  await answer.body?.cancel();
  if (answer.status !== 206) {
    return {
      level: "WRONG",
      text: `a ranged GET at ${target} is answered ${answer.status}`,
      advice: "S3_PUBLIC_ENDPOINT must name the same store as S3_ENDPOINT, with a key that may read",
    };
  }
  const lacking = lackingOf(answer.headers, origin);
  if (lacking.length === 0) return { level: "ok", text: `${target} allows ranges from ${origin}` };
  return { level: "WRONG", text: `${target} ${lacking.join(", ")}`, advice: corsRule(origin) };
}

/** What an answer to a page at `origin` lacks. */
export function lackingOf(headers: Headers, origin: string): string[] {
  const allowed = headers.get("access-control-allow-origin");
  const exposed = (headers.get("access-control-expose-headers") ?? "").toLowerCase().split(/\s*,\s*/);
  const hidden = exposed.includes("*")
    ? []
    : NEEDED.filter((name) => !ALWAYS_EXPOSED.has(name) && !exposed.includes(name));
  return [
    ...(allowed === "*" || allowed === origin ? [] : [`does not allow the origin ${origin}`]),
    ...(hidden.length === 0 ? [] : [`does not expose ${hidden.join(" and ")}`]),
  ];
}

/** For S3 and what speaks its tongue; MinIO takes origins from its environment instead. */
function corsRule(origin: string): string {
  const rule = {
    CORSRules: [{
      AllowedOrigins: [origin],
      AllowedMethods: ["GET", "HEAD"],
      AllowedHeaders: ["range"],
      ExposeHeaders: ["Content-Range", "Content-Length", "ETag", "Accept-Ranges"],
      MaxAgeSeconds: 3600,
    }],
  };
  return `give the bucket this rule (aws s3api put-bucket-cors --cors-configuration '${
    JSON.stringify(rule)
  }'), ` +
    `or MinIO MINIO_API_CORS_ALLOW_ORIGIN=${origin}`;
}

async function anyObject(settings: Settings, store: ObjectStore): Promise<string | null> {
  for await (const { key, size_bytes } of store.list(lakePrefix(settings))) if (size_bytes > 0) return key;
  return null;
}
