/**
 * One POST to an address that was looked at: the name is resolved once, every address it has is judged, and the
 * connection goes to one of those very addresses, so that no second answer of the resolver (rebinding) counts.
 *
 * Only the status is read. A redirect is an answer like any other: it is not followed.
 */
import { Fault } from "../errors.ts";
import { isPrivateAddress } from "./address.ts";
import type { WebhookMessage } from "./message.ts";

const MOST_HEAD_BYTES = 16 * 1024;

export interface PostOptions {
  allow_private: boolean;
  signal: AbortSignal;
  /** Every address of a name; the system's resolver by default. */
  resolve?: (hostname: string) => Promise<string[]>;
}

/** The status of the answer; a Fault `address_refused` when the target may not be asked. */
export async function post(url: string, message: WebhookMessage, options: PostOptions): Promise<number> {
  const target = new URL(url);
  const address = await addressOf(target, options);
  const { signal } = options;
  const port = Number(target.port || (target.protocol === "https:" ? 443 : 80));
  const plain = await Deno.connect({ hostname: address, port, signal });
  let connection: Deno.Conn = plain;
  const stop = () => connection.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    if (target.protocol === "https:") {
      connection = await Deno.startTls(plain, { hostname: bare(target.hostname) });
    }
    await writeAll(connection, requestHead(target, message));
    await writeAll(connection, message.body);
    return await readStatus(connection);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    if (!signal.aborted) connection.close();
  }
}

async function addressOf(
  { hostname }: URL,
  { allow_private, resolve = resolveName }: PostOptions,
): Promise<string> {
  const name = bare(hostname);
  const isAddress = /^[\d.]+$/.test(name) || name.includes(":");
  const addresses = isAddress ? [name] : await resolve(name);
  const refused = allow_private ? undefined : addresses.find(isPrivateAddress);
  if (refused !== undefined || addresses.length === 0) {
    const state = refused === undefined ? "the name has no address" : `${refused} is a private address`;
    throw new Fault("address_refused", `Cannot send to ${name}: ${state}`, { blame: "us", retry: "never" });
  }
  return addresses[0];
}

/** Names of the local machine are known without a resolver. */
async function resolveName(name: string): Promise<string[]> {
  if (name === "localhost" || name.endsWith(".localhost")) return ["127.0.0.1"];
  const { lookup } = await import("node:dns/promises");
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** Header values are ours or checked: none holds a line break. */
function requestHead(target: URL, { headers, body }: WebhookMessage): Uint8Array {
  const lines = [
    `POST ${target.pathname}${target.search} HTTP/1.1`,
    `host: ${target.host}`,
    ...credentials(target),
    `content-length: ${body.length}`,
    "connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

/** What an address says of who asks (`https://name:word@host/`). */
function credentials({ username, password }: URL): string[] {
  if (username === "" && password === "") return [];
  const who = new TextEncoder().encode(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return [`authorization: Basic ${btoa(String.fromCharCode(...who))}`];
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Of the first answer that is not informational. */
async function readStatus(connection: Deno.Conn): Promise<number> {
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(4096);
  for (let head = ""; head.length < MOST_HEAD_BYTES;) {
    const read = await connection.read(buffer);
    if (read === null) break;
    head += decoder.decode(buffer.subarray(0, read), { stream: true });
    const end = /^(?:HTTP\/1\.[01] 1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)*HTTP\/1\.[01] ([2-5]\d\d)[ \r\n]/
      .exec(head);
    if (end) return Number(end[1]);
  }
  throw new Fault("answer_unreadable", "Cannot read the answer: it is no HTTP status", {
    blame: "dependency",
    retry: "after_backoff",
  });
}
