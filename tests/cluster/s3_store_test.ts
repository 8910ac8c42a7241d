/** The S3 store keeps the contract on a real server, hands out no more than it should, and needs few permissions. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { probeStore } from "../../lib/store/probe.ts";
import { openS3Store, type S3Store } from "../../lib/store/s3_store.ts";
import { objectStoreContract, type OpenedStore } from "../contracts/object_store_contract.ts";
import { startProgram } from "../program.ts";
import { eventually, inTime } from "../waiting.ts";
import { type S3Fault, startS3FaultProxy } from "./s3_fault_proxy.ts";
import { startS3Server } from "./s3_server.ts";

const server = await startS3Server();
Deno.test.afterAll(async () => await server[Symbol.asyncDispose]());
let buckets = 0;

interface Opened extends OpenedStore {
  store: S3Store;
}

function openFresh(): Opened {
  // The bucket is made by the first call that misses it.
  const store = openS3Store(server.options(`contract-${++buckets}`));
  return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

objectStoreContract("S3 store", () => Promise.resolve(openFresh()));

const body = new TextEncoder().encode("0123456789");

Deno.test("S3 store: the probe believes the server", async () => {
  await using opened = openFresh();
  await probeStore(opened.store);
  assert.deepEqual(await Array.fromAsync(opened.store.list("")), []);
});

Deno.test("a program refuses to start on a store that lets several creators win, and says why", async () => {
  await using proxy = await startS3FaultProxy(server.endpoint);
  proxy.decide = () => "flatter";
  const folder = await Deno.makeTempDir();
  const { access_key_id, secret_access_key } = server;
  const env = {
    DATA_DIR: folder,
    S3_ENDPOINT: proxy.endpoint,
    S3_BUCKET: "liar",
    S3_ACCESS_KEY_ID: access_key_id,
    S3_SECRET_ACCESS_KEY: secret_access_key,
  };
  await assert.rejects(startProgram({ env, role: "query" }), (error) => {
    assert.match(String(error), /ended with 1 before it listened/);
    assert.match(
      String(error),
      /Cannot trust the store: \d+ of 32 callers created the same object; use a store/,
    );
    return true;
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a program that starts before its store works once the store is there, and ends when that lies", async () => {
  for (const state of ["there", "lying"]) {
    await using proxy = await startS3FaultProxy(server.endpoint);
    let decision: S3Fault = { refuse: 503, code: "ServerNotInitialized" };
    proxy.decide = () => decision;
    const folder = await Deno.makeTempDir();
    const { access_key_id, secret_access_key } = server;
    const env = {
      DATA_DIR: folder,
      S3_ENDPOINT: proxy.endpoint,
      S3_BUCKET: `late-${state}`,
      S3_ACCESS_KEY_ID: access_key_id,
      S3_SECRET_ACCESS_KEY: secret_access_key,
    };
    const program = await startProgram({ env, role: "all" });
    const stages = async () => (await (await fetch(`${program.url}/readyz`)).json()).dependencies;
    assert.match(JSON.stringify(await stages()), /"name":"store","condition":"down"/);
    decision = state === "there" ? "pass" : "flatter";
    if (state === "there") {
      const allWell = (all: { condition: string }[]) => all.every(({ condition }) => condition === "ok");
      await eventually(stages, allWell, { what: "a program that works" });
      assert.equal(await program.stop(), 0);
    } else {
      assert.equal(await inTime(program.ended, "the end of a program that was lied to"), 1);
      assert.match(program.lines.join("\n"), /Cannot trust the store: \d+ of 32 callers created/);
    }
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("S3 store: `ensureBucket` makes the bucket once, however many ask", async () => {
  await using opened = openFresh();
  await Promise.all(Array.from({ length: 8 }, () => opened.store.ensureBucket()));
  await opened.store.ensureBucket();
  assert.equal(await opened.store.create("a", body), "created");
});

Deno.test("S3 store: reading a bucket that is not there finds nothing", async () => {
  for (
    const read of [
      (store: S3Store) => store.read("a"),
      (store: S3Store) => store.head("a"),
      async (store: S3Store) => (await Array.fromAsync(store.list("a"))).at(0) ?? null,
    ]
  ) {
    await using opened = openFresh();
    assert.equal(await read(opened.store), null);
  }
});

Deno.test("S3 store: a presigned address serves one object to GET, and no longer than it lives", async () => {
  await using opened = openFresh();
  await opened.store.create("a/1", body);
  await opened.store.create("a/2", body);
  const address = await opened.store.presign("a/1", 60);
  const status = async (url: string, method = "GET") => {
    const answer = await fetch(url, { method, body: method === "PUT" ? "x" : undefined });
    await answer.body?.cancel();
    return answer.status;
  };
  const good = await fetch(address);
  assert.equal(await good.text(), "0123456789");
  assert.equal(good.headers.get("cache-control"), "no-store");
  assert.equal(await status(address.replace("a/1", "a/2")), 403);
  assert.equal(await status(address, "PUT"), 403);
  assert.equal(await status(address, "DELETE"), 403);
  const short = await opened.store.presign("a/1", 1);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  assert.equal(await status(short), 403);
  assert.ok(!address.includes(server.secret_access_key));
});

Deno.test("S3 store: presigned addresses name the public endpoint", async () => {
  const options = { ...server.options("public"), public_endpoint: "https://lake.example.com:9000" };
  await using store = openS3Store(options);
  assert.match(
    await store.presign("t/day=1/f 1.parquet", 60),
    /^https:\/\/lake\.example\.com:9000\/public\/t\/day%3D1\/f%201\.parquet\?.*X-Amz-Expires=60/,
  );
});

Deno.test("S3 store: wrong keys are refused at once, and the Fault shows no secret", async () => {
  const secret = "a-secret-that-is-wrong";
  const credentials = {
    access_key_id: server.access_key_id,
    secret_access_key: secret,
    session_token: null,
  };
  await using store = openS3Store({ ...server.options("refused"), credentials });
  await assert.rejects(store.create("a", body), (error) => {
    assert.ok(error instanceof Fault);
    assert.equal(error.message, "Cannot create a: the server answered 403 SignatureDoesNotMatch");
    assert.deepEqual([error.code, error.blame, error.retry], ["store_forbidden", "dependency", "never"]);
    const shown = Deno.inspect(error, { depth: 10, showHidden: true });
    assert.ok(!shown.includes(secret) && !/Signature=/.test(shown), shown);
    return true;
  });
});

Deno.test("S3 store: runs with permission for the network and AWS_* alone", async () => {
  const store = new URL("../../lib/store/s3_store.ts", import.meta.url).href;
  const options = JSON.stringify(server.options("few-permissions"));
  const script = `import { openS3Store } from ${JSON.stringify(store)};
    await using store = openS3Store(${options});
    const body = new TextEncoder().encode("x");
    console.log(await store.create("a", body), await store.create("a", body));
    console.log((await store.read("a")).length, (await store.head("a")).size_bytes);
    for await (const { key } of store.list("")) console.log(key);
    await store.delete(["a"]);
    console.log((await fetch(await store.presign("a", 60))).status);`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, script);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
      `--allow-net=${new URL(server.endpoint).host}`,
      "--allow-env=AWS_*",
      file,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(file);
  const text = new TextDecoder().decode(stdout);
  assert.equal(text, "created taken\n1 1\na\n404\n", new TextDecoder().decode(stderr));
});
