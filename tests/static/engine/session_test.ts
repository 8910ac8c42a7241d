import assert from "node:assert/strict";
import type { Engine } from "../../../static/engine/engine.ts";
import { Cancelled, EngineSession } from "../../../static/engine/session.ts";

/** An engine whose statements do as they are called: `rows`, `fail`, or `hang` until they are cancelled or for ever. */
function scripted(log: string[], cancelWorks: boolean): Engine {
  let release: (error: Error) => void = () => {};
  return {
    version: "v0",
    registerBuffer: () => Promise.resolve(),
    registerUrl: () => Promise.resolve(),
    bytesRead: () => Promise.resolve(0),
    dropFile: () => Promise.resolve(),
    readFile: () => Promise.resolve(new Uint8Array()),
    insertArrow: () => Promise.resolve(),
    async send(sql) {
      log.push(sql);
      if (sql === "fail") throw new Error("it failed");
      if (sql === "hang") await new Promise((_, reject) => release = reject);
      return {
        schema: {} as Awaited<ReturnType<Engine["send"]>>["schema"],
        batches: (async function* () {})(),
      };
    },
    cancel() {
      log.push("cancel");
      if (cancelWorks) release(new Error("query was cancelled"));
      return Promise.resolve();
    },
    terminate: () => void log.push("terminate"),
  };
}

Deno.test("`exclusive` lets nobody in between, whether it fails or not", async () => {
  const log: string[] = [];
  const session = new EngineSession(() => Promise.resolve(scripted(log, true)));
  const first = session.exclusive(async () => {
    await session.run("a");
    await session.run("fail");
  });
  const second = session.exclusive(() => session.run("b"));
  await assert.rejects(first, /it failed/);
  await second;
  assert.deepEqual(log, ["a", "fail", "b"]);
});

Deno.test("a cancel that the engine hears keeps the engine", async () => {
  const log: string[] = [];
  const session = new EngineSession(() => Promise.resolve(scripted(log, true)));
  await session.engine();
  const stop = new AbortController();
  const running = session.run("hang", { signal: stop.signal });
  await Promise.resolve();
  setTimeout(() => stop.abort(), 1);
  await assert.rejects(running, (error) => error instanceof Cancelled && !error.restarted);
  assert.ok(!log.includes("terminate"));
  assert.equal(session.generation, 1);
});

Deno.test("a cancel that the engine does not hear kills it, and the next statement has another", async () => {
  const log: string[] = [];
  const session = new EngineSession(() => Promise.resolve(scripted(log, false)));
  await session.engine();
  const stop = new AbortController();
  const running = session.run("hang", { signal: stop.signal });
  setTimeout(() => stop.abort(), 1);
  await assert.rejects(running, (error) => error instanceof Cancelled && error.restarted);
  await session.run("after");
  assert.deepEqual(log, ["hang", "cancel", "terminate", "after"]);
  assert.equal(session.generation, 2);
});

Deno.test("an engine that does not start is tried again by the next statement", async () => {
  let tries = 0;
  const session = new EngineSession(() => {
    tries += 1;
    return tries === 1 ? Promise.reject(new Error("no wasm here")) : Promise.resolve(scripted([], true));
  });
  await assert.rejects(session.run("a"), /no wasm here/);
  await session.run("a");
  assert.equal(tries, 2);
});
