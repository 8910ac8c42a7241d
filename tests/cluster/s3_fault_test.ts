/** Over a network that loses, refuses, cuts and damages, the S3 store loses nothing and admits what it does not know. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { Fault } from "../../lib/errors.ts";
import { openS3Store, type S3Store } from "../../lib/store/s3_store.ts";
import { objectStoreContract, type OpenedStore } from "../contracts/object_store_contract.ts";
import { type S3Fault, type S3FaultProxy, startS3FaultProxy } from "./s3_fault_proxy.ts";
import { startS3Server } from "./s3_server.ts";

const server = await startS3Server();
Deno.test.afterAll(async () => await server[Symbol.asyncDispose]());
let buckets = 0;

interface Faulty extends OpenedStore {
  store: S3Store;
  /** The same bucket without the network in between. */
  direct: S3Store;
  proxy: S3FaultProxy;
}

async function openFaulty(patience: { silence_ms?: number; attempts?: number } = {}): Promise<Faulty> {
  const proxy = await startS3FaultProxy(server.endpoint);
  const options = server.options(`faults-${++buckets}`);
  const store = openS3Store({ ...options, endpoint: proxy.endpoint }, { base_ms: 1, ...patience });
  const direct = openS3Store(options);
  await direct.ensureBucket();
  // Faults hit a store that has been at work: what happens on connections in use differs from what happens on new ones.
  for (const key of ["warm/1", "warm/2"]) await store.create(key, new Uint8Array(1));
  await store.delete(await Array.fromAsync(store.list("warm/"), ({ key }) => key));
  proxy.reset();
  return {
    store,
    direct,
    proxy,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await direct[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

// Every third request is refused in a way that leaves no doubt: then the contract holds word for word.
objectStoreContract("S3 store behind a third of 409 and 429", async () => {
  const faulty = await openFaulty();
  faulty.proxy.decide = ({ number }) =>
    number % 3 ? "pass" : number % 2 ? { refuse: 429, code: "SlowDown" } : {
      refuse: 409,
      code: "ConditionalRequestConflict",
    };
  return faulty;
});

const bytes = (words: string) => new TextEncoder().encode(words);
const words = (body: Uint8Array | null) => body === null ? null : new TextDecoder().decode(body);
const isFault = (code: string) => (error: unknown) => error instanceof Fault && error.code === code;

/** The first request is hurt, the others pass. */
const first = (fault: S3Fault) => ({ number }: { number: number }) => number === 1 ? fault : "pass";

const LOST_BEFORE: S3Fault[] = ["lose_request", "empty", { refuse: 500, code: "InternalError" }, {
  refuse: 503,
  code: "SlowDown",
}, { refuse: 200, code: "InternalError" }];
const LOST_AFTER: S3Fault[] = ["lose_answer", { fail_after: 500, code: "InternalError" }, {
  fail_after: 200,
  code: "InternalError",
}];

Deno.test("S3 store: a create whose request got lost is made again and created", async () => {
  for (
    const fault of [...LOST_BEFORE, "flip_request", { refuse: 400, code: "RequestTimeout" }] as S3Fault[]
  ) {
    await using faulty = await openFaulty();
    faulty.proxy.decide = first(fault);
    assert.equal(await faulty.store.create("a", bytes("mine")), "created", JSON.stringify(fault));
    assert.equal(words(await faulty.direct.read("a")), "mine");
    assert.equal(faulty.proxy.seen.length, 2);
  }
});

Deno.test("S3 store: a create whose answer got lost is unknown, and the object is ours", async () => {
  for (const fault of LOST_AFTER) {
    await using faulty = await openFaulty();
    faulty.proxy.decide = first(fault);
    assert.equal(await faulty.store.create("a", bytes("mine")), "unknown", JSON.stringify(fault));
    assert.equal(words(await faulty.direct.read("a")), "mine");
  }
});

Deno.test("S3 store: a create that lost to another is unknown too when an answer got lost before", async () => {
  for (const fault of LOST_BEFORE) {
    await using faulty = await openFaulty();
    await faulty.direct.create("a", bytes("theirs"));
    faulty.proxy.decide = first(fault);
    assert.equal(await faulty.store.create("a", bytes("mine")), "unknown");
    assert.equal(words(await faulty.direct.read("a")), "theirs");
    faulty.proxy.decide = () => "pass";
    assert.equal(await faulty.store.create("a", bytes("mine")), "taken");
  }
});

Deno.test("S3 store: a create that never gets an answer is unknown, one that never got out is a Fault", async () => {
  await using faulty = await openFaulty({ attempts: 3 });
  faulty.proxy.decide = () => "lose_request";
  assert.equal(await faulty.store.create("a", bytes("mine")), "unknown");
  assert.equal(faulty.proxy.seen.length, 3);
  faulty.proxy.decide = () => ({ refuse: 409, code: "ConditionalRequestConflict" });
  await assert.rejects(faulty.store.create("a", bytes("mine")), isFault("store_unavailable"));
  const nobody = { ...server.options("none"), endpoint: "http://127.0.0.1:1" };
  await using away = openS3Store(nobody, { attempts: 2, base_ms: 1 });
  await assert.rejects(away.create("a", bytes("mine")), (error) => {
    assert.ok(error instanceof Fault);
    assert.equal(error.message, "Cannot create a: no connection (connect ECONNREFUSED 127.0.0.1:1)");
    assert.deepEqual([error.blame, error.retry], ["dependency", "after_backoff"]);
    return true;
  });
});

Deno.test("S3 store: silence is ended, and a request that arrives late changes nothing", async () => {
  // Longer than a request that nobody holds up takes on a busy machine.
  await using faulty = await openFaulty({ silence_ms: 2_000 });
  faulty.proxy.decide = first("silence");
  assert.equal(await faulty.store.create("a", bytes("mine")), "unknown");
  assert.equal(words(await faulty.direct.read("a")), "mine");
  faulty.proxy.reset();
  const late = Promise.withResolvers<void>();
  faulty.proxy.decide = first({ after: late.promise });
  assert.equal(await faulty.store.create("b", bytes("second")), "created");
  late.resolve();
  await faulty.proxy.quiet();
  assert.equal(words(await faulty.direct.read("b")), "second");
});

Deno.test("S3 store: a caller who leaves in the middle is told that nobody knows", async () => {
  await using faulty = await openFaulty();
  const controller = new AbortController();
  faulty.proxy.decide = () => {
    setTimeout(() => controller.abort(), 100);
    return "silence";
  };
  assert.equal(await faulty.store.create("a", bytes("mine"), controller.signal), "unknown");
  const reading = AbortSignal.timeout(100);
  faulty.proxy.decide = () => "silence";
  await assert.rejects(faulty.store.read("a", undefined, reading), { name: "TimeoutError" });
});

Deno.test("S3 store: 32 racers under 503 on a third of calls have at most one winner, and none is lost", async () => {
  await using faulty = await openFaulty();
  for (let round = 0; round < 10; round++) {
    faulty.proxy.decide = ({ number }) =>
      number % 3
        ? "pass"
        : number % 2
        ? { refuse: 503, code: "SlowDown" }
        : { fail_after: 503, code: "SlowDown" };
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, racer) => faulty.store.create(`race/${round}`, bytes(`racer ${racer}`))),
    );
    const winner = Number(words(await faulty.direct.read(`race/${round}`))?.slice("racer ".length));
    const created = answers.flatMap((answer, racer) => answer === "created" ? [racer] : []);
    if (created.length > 0) assert.deepEqual(created, [winner]);
    else assert.equal(answers[winner], "unknown");
  }
});

Deno.test("S3 store: reads come whole over cuts, flipped bits, errors and error pages", async () => {
  await using faulty = await openFaulty();
  await using folder = await tempFolder();
  const body = randomBytes(300_000);
  await faulty.direct.create("a", body);
  const faults: S3Fault[] = [...LOST_BEFORE, "lose_answer", "cut", "flip"];
  for (const fault of faults) {
    faulty.proxy.decide = first(fault);
    const again = async <T>(call: Promise<T>) => {
      const answer = await call;
      assert.equal(faulty.proxy.seen.length, 2, JSON.stringify(fault));
      faulty.proxy.reset();
      return answer;
    };
    faulty.proxy.reset();
    assert.ok(same(await again(faulty.store.read("a")), body));
    assert.equal(await again(faulty.store.readToFile("a", `${folder.path}/down`)), true);
    assert.ok(same(await Deno.readFile(`${folder.path}/down`), body));
    // No checksum covers a range, and HEAD has no body: a flipped bit is for TLS to see.
    if (fault === "flip") continue;
    assert.ok(same(await again(faulty.store.read("a", { start: 7, end: 90_000 })), body.subarray(7, 90_000)));
  }
  faulty.proxy.decide = () => "cut";
  await assert.rejects(faulty.store.readToFile("a", `${folder.path}/down`), isFault("store_unavailable"));
  await assert.rejects(Deno.stat(`${folder.path}/down`), Deno.errors.NotFound);
});

Deno.test("S3 store: a listing never passes for shorter than it is", async () => {
  await using faulty = await openFaulty();
  const keys = Array.from({ length: 20 }, (_, i) => `k/${String(i).padStart(2, "0")}`);
  for (const key of keys) await faulty.direct.create(key, bytes(key));
  for (const fault of [...LOST_BEFORE, "lose_answer", "cut"] as S3Fault[]) {
    faulty.proxy.reset();
    faulty.proxy.decide = first(fault);
    const found = await Array.fromAsync(faulty.store.list("k/"));
    assert.deepEqual(found.map(({ key }) => key), keys, JSON.stringify(fault));
    assert.equal(faulty.proxy.seen.length, 2);
  }
  faulty.proxy.decide = () => ({ refuse: 200, code: "InternalError" });
  await assert.rejects(Array.fromAsync(faulty.store.list("k/")), isFault("store_unavailable"));
});

Deno.test("S3 store: `head` is asked again when the answer is no object", async () => {
  await using faulty = await openFaulty();
  await faulty.direct.create("a", bytes("ten bytes!"));
  for (
    const fault of ["lose_request", "empty", "lose_answer", { refuse: 503, code: "SlowDown" }] as S3Fault[]
  ) {
    faulty.proxy.reset();
    faulty.proxy.decide = first(fault);
    assert.equal((await faulty.store.head("a"))?.size_bytes, 10, JSON.stringify(fault));
  }
});

Deno.test("S3 store: `delete` and `putHint` are repeated until they are done", async () => {
  await using faulty = await openFaulty();
  for (const fault of [...LOST_BEFORE, ...LOST_AFTER, "flip_request"] as S3Fault[]) {
    await faulty.direct.create("a", bytes("1"));
    faulty.proxy.reset();
    faulty.proxy.decide = first(fault);
    await faulty.store.delete(["a", "b"]);
    assert.equal(await faulty.direct.head("a"), null, JSON.stringify(fault));
    faulty.proxy.reset();
    await faulty.store.putHint("hint", bytes(JSON.stringify(fault)));
    assert.equal(words(await faulty.direct.read("hint")), JSON.stringify(fault));
  }
});

Deno.test("S3 store: a large upload hurt at any call ends as it says", async () => {
  await using faulty = await openFaulty();
  await using folder = await tempFolder();
  const body = randomBytes(9 * 1024 * 1024);
  await Deno.writeFile(`${folder.path}/up`, body);
  await faulty.store.createFromFile("calls", `${folder.path}/up`);
  const calls = faulty.proxy.seen.length;
  assert.equal(calls, 4, "begin, two parts, complete");
  const conflict: S3Fault = { refuse: 409, code: "ConditionalRequestConflict" };
  for (const fault of [...LOST_BEFORE, ...LOST_AFTER, conflict, "flip_request"] as S3Fault[]) {
    for (let call = 1; call <= calls; call++) {
      const key = `${JSON.stringify(fault)}/${call}`.replaceAll(/[^a-z0-9_/]/g, "-");
      faulty.proxy.reset();
      faulty.proxy.decide = ({ number }) => number === call ? fault : "pass";
      const answer = await faulty.store.createFromFile(key, `${folder.path}/up`);
      const isLost: boolean = call === calls && LOST_AFTER.includes(fault);
      assert.equal(answer, isLost ? "unknown" : "created", key);
      assert.ok(same(await faulty.direct.read(key), body), key);
      await faulty.direct.delete([key]);
    }
  }
});

Deno.test("S3 store: writers go on over a killed server, and what was created is there", async () => {
  await using faulty = await openFaulty({ attempts: 30 });
  const { store } = faulty;
  const answers = new Map<string, string>();
  const writer = async (name: string) => {
    for (let i = 0; i < 25; i++) answers.set(`${name}/${i}`, await store.create(`${name}/${i}`, bytes(name)));
  };
  const writers = Promise.all(["a", "b", "c", "d"].map(writer));
  await server.kill();
  await server.restart();
  await writers;
  assert.equal(answers.size, 100);
  const found = new Set((await Array.fromAsync(store.list(""))).map(({ key }) => key));
  for (const [key, answer] of answers) {
    assert.notEqual(answer, "taken", key);
    if (answer === "created") assert.ok(found.has(key), key);
  }
});

function same(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0;
}

async function tempFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
