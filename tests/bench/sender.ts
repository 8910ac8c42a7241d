/**
 * A sender that takes little from the two cores it shares with the server: requests are made beforehand as bytes, and go
 * over raw connections that are kept.
 *
 *   closed loop   each connection sends its next request when the answer has come: how much can be taken
 *   open loop     requests leave on a schedule, answers or not: a latency counts from when a request was due
 */

const TICK_MS = 1;
const ANSWER_BYTES = 64 * 1024;

export interface RequestText {
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function requestBytes({ path, headers, body }: RequestText): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(body);
  const lines = Object.entries({ ...headers, "content-length": String(bytes.length) })
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return encoder.encode(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines}\r\n${body}`);
}

/** One kept connection that answers one request at a time. */
class Connection implements Disposable {
  readonly #buffer = new Uint8Array(ANSWER_BYTES);

  private constructor(private readonly socket: Deno.TcpConn) {}

  static async open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url);
    const socket = await Deno.connect({ hostname, port: Number(port) });
    socket.setNoDelay(true);
    return new Connection(socket);
  }

  /** Resolves with the body of a 202; anything else is an error. */
  async send(request: Uint8Array): Promise<string> {
    for (let sent = 0; sent < request.length;) sent += await this.socket.write(request.subarray(sent));
    let text = "";
    for (;;) {
      const read = await this.socket.read(this.#buffer);
      if (read === null) throw new Error(`The server closed the connection: ${text}`);
      text += decoder.decode(this.#buffer.subarray(0, read));
      const body_at = text.indexOf("\r\n\r\n") + 4;
      const length = /content-length: (\d+)/i.exec(text);
      if (body_at < 4 || length === null || text.length - body_at < Number(length[1])) continue;
      if (!text.startsWith("HTTP/1.1 202")) throw new Error(`The server did not accept: ${text}`);
      return text.slice(body_at);
    }
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

/** Sends all, as fast as the connections are answered: requests a second. `check` sees the body of each answer. */
export async function closedLoop(
  url: string,
  requests: readonly Uint8Array[],
  connections: number,
  check: (answer: string) => void = () => undefined,
): Promise<number> {
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(url)));
  let next = 0;
  const began = performance.now();
  await Promise.all(open.map(async (connection) => {
    while (next < requests.length) check(await connection.send(requests[next++]));
  }));
  const seconds = (performance.now() - began) / 1000;
  for (const connection of open) connection[Symbol.dispose]();
  return requests.length / seconds;
}

export interface Schedule {
  per_second: number;
  connections: number;
  /** Called with the number of the request that was answered. */
  answered?(index: number): void;
}

/** Sends all on a schedule: the latency of each in milliseconds. */
export async function openLoop(
  url: string,
  requests: Iterable<Uint8Array>,
  { per_second, connections, answered }: Schedule,
): Promise<number[]> {
  const free = await Promise.all(Array.from({ length: connections }, () => Connection.open(url)));
  const latencies: number[] = [];
  const waiting: { request: Uint8Array; due: number; index: number }[] = [];
  const failed = Promise.withResolvers<never>();
  const carryOn = async (connection: Connection) => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      await connection.send(one.request);
      latencies.push(performance.now() - one.due);
      answered?.(one.index);
    }
    free.push(connection);
  };
  const began = performance.now();
  const sending = (async () => {
    let index = 0;
    for (const request of requests) {
      const due = began + (index / per_second) * 1000;
      while (performance.now() < due) await pause(TICK_MS);
      waiting.push({ request, due, index: index++ });
      const connection = free.pop();
      if (connection) carryOn(connection).catch(failed.reject);
    }
    while (free.length < connections) await pause(TICK_MS);
  })();
  await Promise.race([sending, failed.promise]);
  for (const connection of free) connection[Symbol.dispose]();
  return latencies;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
