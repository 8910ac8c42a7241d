/**
 * A network between us and the S3 server that misbehaves as a test says, request by request.
 *
 *   store ──► proxy ──► server      lose_request, refuse      nothing reaches the server
 *         ◄──       ◄──             lose_answer, fail_after   done, but nobody hears it
 *                                   cut, flip, flatter        the answer comes damaged, or lies
 *                                   stale                     a listing is an old one
 *
 * The proxy keeps the Host header, so that signatures stay right.
 */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, request as send, type ServerResponse } from "node:http";
import { pause } from "../waiting.ts";

export type S3Fault =
  | "pass"
  /** The connection ends before the request goes on. */
  | "lose_request"
  /** The connection ends when the request is done. */
  | "lose_answer"
  /** No answer at all, for as long as the client waits; the request is done. */
  | "silence"
  /** 200 and nothing else, instead of the request. */
  | "empty"
  /** Half of the answer's body, then the connection ends. */
  | "cut"
  /** One bit of the answer's body is another. */
  | "flip"
  /** A listing that was true when it was last asked for; what was never asked for is as it is. */
  | "stale"
  /** Who came too late is told that it won. */
  | "flatter"
  /** One bit of the request's body is another. */
  | "flip_request"
  /** An error page instead of the request, under status 200 or the status given. */
  | { refuse: number; code: string }
  /** The same after the request was done. */
  | { fail_after: number; code: string }
  /** The request goes on after so many milliseconds, or after something else, when the client may have given up. */
  | { late_ms: number }
  | { after: Promise<void> };

export interface SeenRequest {
  /** From 1. */
  number: number;
  method: string;
  /** Path and query. */
  path: string;
}

export interface S3FaultProxy extends AsyncDisposable {
  endpoint: string;
  /** Asked for each request; to be replaced by tests. */
  decide: (request: SeenRequest) => S3Fault;
  /** All requests so far. */
  readonly seen: readonly SeenRequest[];
  /** Forgets the requests so far; numbers begin anew. */
  reset(): void;
  /** Resolves when nothing is on its way, also what the client has given up. */
  quiet(): Promise<void>;
}

interface Target {
  hostname: string;
  port: string;
  /** The last answer to each listing, by its path and query. */
  listings: Map<string, Answer>;
}

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export async function startS3FaultProxy(target: string): Promise<S3FaultProxy> {
  const { hostname, port } = new URL(target);
  const seen: SeenRequest[] = [];
  const proxy = { decide: (_: SeenRequest): S3Fault => "pass" };
  const listings = new Map<string, Answer>();
  const serving = new Set<Promise<void>>();
  const server = createServer((incoming, outgoing) => {
    const request = { number: seen.length + 1, method: incoming.method ?? "", path: incoming.url ?? "" };
    seen.push(request);
    const served: Promise<void> = serve(incoming, outgoing, proxy.decide(request), {
      hostname,
      port,
      listings,
    })
      .catch(() => void outgoing.destroy())
      .finally(() => serving.delete(served));
    serving.add(served);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The proxy has no port");
  return Object.assign(proxy, {
    endpoint: `http://127.0.0.1:${address.port}`,
    seen,
    reset: () => void seen.splice(0),
    quiet: async () => {
      while (serving.size > 0) await Promise.all(serving);
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: S3Fault,
  target: Target,
): Promise<void> {
  const body = await bodyOf(incoming);
  if (fault === "lose_request") return void outgoing.destroy();
  if (fault === "empty") return void outgoing.writeHead(200, { "content-length": 0 }).end();
  if (typeof fault === "object" && "refuse" in fault) return errorPage(outgoing, fault.refuse, fault.code);
  if (typeof fault === "object" && "late_ms" in fault) {
    await pause(fault.late_ms);
  }
  if (typeof fault === "object" && "after" in fault) await fault.after;
  const sent = fault === "flip_request" ? flipped(body) : body;
  const before = fault === "stale" ? target.listings.get(incoming.url ?? "") : undefined;
  const answer = before ?? await forward(incoming, sent, target);
  if (isListing(incoming) && answer.status === 200) target.listings.set(incoming.url ?? "", answer);
  if (fault === "lose_answer") return void outgoing.destroy();
  if (fault === "silence") return;
  if (typeof fault === "object" && "fail_after" in fault) {
    return errorPage(outgoing, fault.fail_after, fault.code);
  }
  const damaged = fault === "flip" ? flipped(answer.body) : answer.body;
  if (fault === "flatter" && answer.status === 412) {
    const { "x-amz-checksum-crc32": checksum } = incoming.headers;
    outgoing.writeHead(200, { etag: '"won"', "x-amz-checksum-crc32": checksum, "content-length": 0 });
    return void outgoing.end();
  }
  outgoing.writeHead(answer.status, answer.headers);
  if (fault !== "cut") return void outgoing.end(damaged);
  outgoing.write(damaged.subarray(0, damaged.length >> 1), () => outgoing.destroy());
}

export function isListing({ method, url }: { method?: string; url?: string }): boolean {
  return method === "GET" && /[?&]list-type=2/.test(url ?? "");
}

function forward(
  incoming: IncomingMessage,
  body: Buffer,
  target: Target,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = target;
    const onward = send({
      hostname,
      port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
      agent: false,
    }, (answer) => {
      bodyOf(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body }),
        reject,
      );
    });
    onward.on("error", reject);
    onward.end(body);
  });
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function flipped(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  if (copy.length > 0) copy[copy.length >> 1] ^= 1;
  return copy;
}

function errorPage(outgoing: ServerResponse, status: number, code: string): void {
  const page =
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>made up</Message></Error>`;
  outgoing.writeHead(status, { "content-type": "application/xml", "content-length": page.length });
  outgoing.end(page);
}
