/** What clients do on real connections: lie about lengths, send slowly, break off, ask again on the same one. */
import { doesNotMatch, equal, match, ok } from "node:assert/strict";
import { stripeSignature } from "../stripe_sender.ts";
import { type TestApp, testApp } from "./test_app.ts";

interface Served extends AsyncDisposable {
  port: number;
  test: TestApp;
}

function serve(env: Record<string, string> = {}): Served {
  const test = testApp(env);
  const stop = new AbortController();
  const options = { port: 0, hostname: "127.0.0.1", signal: stop.signal, onListen() {} };
  const server = Deno.serve(options, (request, info) => test.app.fetch(request, info));
  return {
    port: server.addr.port,
    test,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

/** A connection that says exactly what it is told to, and collects what comes back. */
class Wire implements Disposable {
  readonly #decoder = new TextDecoder();
  readonly #reading: Promise<void>;
  text = "";
  closed = false;
  #heard: (() => void) | null = null;

  constructor(readonly connection: Deno.TcpConn) {
    this.#reading = this.#read();
  }

  static async open(port: number): Promise<Wire> {
    return new Wire(await Deno.connect({ port, hostname: "127.0.0.1" }));
  }

  async say(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
    } catch (error) {
      // The server may hang up before we are done.
      if (!(error instanceof Deno.errors.BrokenPipe) && !(error instanceof Deno.errors.ConnectionReset)) {
        throw error;
      }
    }
  }

  /** Waits until what came back matches, or the connection closes. */
  async until(pattern: RegExp): Promise<void> {
    while (!this.closed && !pattern.test(this.text)) {
      await new Promise<void>((resolve) => this.#heard = resolve);
    }
    match(this.text, pattern);
  }

  async end(): Promise<void> {
    await this.#reading;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let n = await this.connection.read(buffer); n !== null; n = await this.connection.read(buffer)) {
        this.text += this.#decoder.decode(buffer.subarray(0, n), { stream: true });
        this.#heard?.();
      }
    } catch (error) {
      const isOver = error instanceof Deno.errors.ConnectionReset ||
        error instanceof Deno.errors.BadResource ||
        error instanceof Deno.errors.Interrupted;
      if (!isOver) throw error;
    } finally {
      this.closed = true;
      this.#heard?.();
    }
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }
}

/** Headers of a POST; the body is said apart. */
function post(path: string, lines: readonly string[]): string {
  return [`POST ${path} HTTP/1.1`, "host: 127.0.0.1", ...lines, "", ""].join("\r\n");
}

const JSON_TYPE = "content-type: application/json";
const ASK = "GET /api/status HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";

Deno.test("after an answer that left the body unread, nothing more is taken for a request", async () => {
  await using served = serve({ INGEST_TOKENS: "shop=shop-token-1" });
  const body = ASK.padEnd(2_000_000, "x");
  const cases: [number, string, string[]][] = [
    [401, "/ingest/event", [JSON_TYPE]],
    [413, "/hooks/stripe", []],
    [415, "/hooks/stripe", ["content-encoding: gzip"]],
    [415, "/ingest/event", ["content-type: text/plain", "authorization: Bearer shop-token-1"]],
    [404, "/hooks/nobody", []],
    [403, "/ingest/event", ["origin: https://evil.example"]],
    [403, "/api/query", ["origin: https://evil.example"]],
  ];
  for (const [status, path, lines] of cases) {
    using wire = await Wire.open(served.port);
    await wire.say(post(path, [...lines, `content-length: ${body.length}`]) + body + ASK);
    await wire.end();
    match(wire.text, new RegExp(`^HTTP/1.1 ${status} `), path);
    match(wire.text, /connection: close/i);
    equal(wire.text.match(/HTTP\/1\.1/g)?.length, 1, path);
    doesNotMatch(wire.text, /settled/);
  }
});

Deno.test("a refused signature leaves the connection usable, because the body was read", async () => {
  await using served = serve();
  using wire = await Wire.open(served.port);
  await wire.say(post("/hooks/stripe", ["content-length: 2"]) + "{}");
  await wire.until(/401[^]*detail/);
  const body = '{"id":"evt_1"}';
  const signature = stripeSignature(body, Math.floor(Date.now() / 1000));
  await wire.say(
    post("/hooks/stripe", [`stripe-signature: ${signature}`, `content-length: ${body.length}`]) + body,
  );
  await wire.until(/202[^]*"id":"evt_1"/);
});

Deno.test("a length that is too short ends the body, and the rest is a request of its own", async () => {
  await using served = serve();
  using wire = await Wire.open(served.port);
  await wire.say(post("/ingest/event", [JSON_TYPE, "content-length: 2"]) + "{}rest\r\n\r\n");
  await wire.until(/202[^]*400 Bad Request/);
  equal(new TextDecoder().decode(served.test.records[0].value), "{}");
});

Deno.test("a length that is too long is answered 408, and nothing is stored", async () => {
  await using served = serve({ BODY_TIMEOUT_MS: "100" });
  using wire = await Wire.open(served.port);
  await wire.say(post("/ingest/event", [JSON_TYPE, "content-length: 500"]) + "{}");
  await wire.until(/^HTTP\/1\.1 408 [^]*slow_body/);
  match(wire.text, /connection: close/i);
  equal(served.test.records.length, 0);
});

Deno.test("what comes after a 408 ends the connection and is not taken for a request", async () => {
  await using served = serve({ BODY_TIMEOUT_MS: "100" });
  const cases: [string, string, string][] = [
    ["content-length: 500", "{}", " ".repeat(498)],
    ["content-length: 50000", "{}", " ".repeat(49_998)],
    ["transfer-encoding: chunked", "2\r\n{}\r\n", "0\r\n\r\n"],
  ];
  for (const [length, begin, rest] of cases) {
    using wire = await Wire.open(served.port);
    await wire.say(post("/ingest/event", [JSON_TYPE, length]) + begin);
    await wire.until(/^HTTP\/1\.1 408 [^]*slow_body/);
    await wire.say(rest + ASK);
    await wire.end();
    equal(wire.text.match(/HTTP\/1\.1/g)?.length, 1, length);
  }
  equal(served.test.records.length, 0);
});

Deno.test("a body that drips is answered 408, and the next drop closes the connection", async () => {
  await using served = serve({ BODY_TIMEOUT_MS: "100" });
  using wire = await Wire.open(served.port);
  await wire.say(post("/hooks/stripe", ["content-length: 100000"]));
  while (!wire.closed) {
    await wire.say("x");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  match(wire.text, /^HTTP\/1\.1 408 /);
});

Deno.test("a body that is packed for its transfer is refused, and the connection closed", async () => {
  await using served = serve({ BODY_TIMEOUT_MS: "100" });
  for (const path of ["/ingest/event", "/hooks/stripe"]) {
    using wire = await Wire.open(served.port);
    await wire.say(post(path, [JSON_TYPE, "transfer-encoding: GZIP, chunked"]) + "2\r\n{}\r\n");
    await wire.until(/"code":/);
    match(wire.text, /^HTTP\/1\.1 415 [^]*encoded_body/);
    match(wire.text, /connection: close/i);
    await wire.say("0\r\n\r\n" + ASK);
    await wire.end();
    equal(wire.text.match(/HTTP\/1\.1/g)?.length, 1, path);
  }
  equal(served.test.records.length, 0);
});

Deno.test("an endless chunked body is cut at the limit", async () => {
  await using served = serve();
  using wire = await Wire.open(served.port);
  await wire.say(post("/ingest/event", [JSON_TYPE, "transfer-encoding: chunked"]));
  const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
  let sent = 0;
  while (!wire.closed && !wire.text.includes("413")) {
    await wire.say(chunk);
    ok(++sent < 1_000, "the server takes everything");
  }
  match(wire.text, /^HTTP\/1\.1 413 /);
  equal(served.test.records.length, 0);
});

Deno.test("a client that breaks off leaves nothing behind", async () => {
  await using served = serve();
  for (let i = 0; i < 20; i++) {
    using wire = await Wire.open(served.port);
    await wire.say(post("/ingest/event", [JSON_TYPE, "content-length: 500"]) + '{"half":');
  }
  using wire = await Wire.open(served.port);
  await wire.say(post("/ingest/event", [JSON_TYPE, "content-length: 2"]) + "{}");
  await wire.until(/202/);
  equal(served.test.records.length, 1);
});

Deno.test("header fields that never end hold up nobody, and take no room of bodies", async () => {
  await using served = serve();
  const slow = await Promise.all(Array.from({ length: 200 }, () => Wire.open(served.port)));
  for (const wire of slow) await wire.say(post("/ingest/event", [JSON_TYPE]).slice(0, -2));
  for (let i = 0; i < 5; i++) {
    for (const wire of slow) await wire.say("x-slow: 1\r\n");
    using wire = await Wire.open(served.port);
    await wire.say(post("/ingest/event", [JSON_TYPE, "content-length: 2"]) + "{}");
    await wire.until(/202/);
  }
  equal(served.test.records.length, 5);
  // Beyond its bound a head is refused, however slowly it came.
  await slow[0].say(`x-much: ${"a".repeat(1_000_000)}\r\n`);
  await slow[0].end();
  for (const wire of slow) wire[Symbol.dispose]();
});

Deno.test("a megabyte of header and two lengths are refused before they reach us", async () => {
  await using served = serve();
  for (const line of [`x-junk: ${"a".repeat(1_000_000)}`, "content-length: 3"]) {
    using wire = await Wire.open(served.port);
    await wire.say(post("/ingest/event", [JSON_TYPE, line, "content-length: 2"]) + "{}");
    await wire.end();
    match(wire.text, /^HTTP\/1\.1 4\d\d /);
  }
  equal(served.test.records.length, 0);
});

Deno.test("an address in the request line does not stand for the Host", async () => {
  await using served = serve();
  using wire = await Wire.open(served.port);
  await wire.say("GET http://127.0.0.1/api/status HTTP/1.1\r\nhost: evil.example\r\n\r\n");
  await wire.until(/^HTTP\/1\.1 421 /);
});
