/** Attempts on S3: what is tried again, after how long, and what becomes of the rest. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { Attempts, type Patience } from "../../lib/store/s3_attempt.ts";
import { BrokenAnswer, troubleOf } from "../../lib/store/s3_trouble.ts";

function patient(options: Partial<Patience> = {}) {
  const slept: number[] = [];
  let buckets = 0;
  const clock = {
    now: () => 0,
    sleep(ms: number, signal?: AbortSignal) {
      slept.push(ms);
      return signal?.aborted ? Promise.reject(signal.reason) : Promise.resolve();
    },
  };
  const patience = { clock, random: () => 0.5, attempts: 10, base_ms: 50, cap_ms: 5_000, silence_ms: 60_000 };
  const attempts = new Attempts({ ...patience, ...options }, () => {
    buckets++;
    return Promise.resolve();
  });
  return { attempts, slept, buckets: () => buckets };
}

/** As the SDK throws it. */
function answer(status: number, name: string): Error {
  return Object.assign(new Error(`${name} happened`), { name, $metadata: { httpStatusCode: status } });
}

const system = (code: string) => Object.assign(new Error(code), { code });

Deno.test("`run` waits a random part of a bound that doubles up to its cap", async () => {
  const { attempts, slept } = patient();
  const failing = attempts.run("read a", () => Promise.reject(answer(503, "SlowDown")));
  await assert.rejects(failing, (error) => {
    assert.ok(error instanceof Fault);
    assert.equal(error.message, "Cannot read a: the server answered 503 SlowDown");
    assert.deepEqual([error.blame, error.retry], ["dependency", "after_backoff"]);
    return true;
  });
  assert.deepEqual(slept, [50, 100, 200, 400, 800, 1600, 2500, 2500, 2500]);
});

Deno.test("`run` tries once while the store is known to be away, and is patient again once it answers", async () => {
  let now = 0;
  const sleep = (ms: number) => Promise.resolve(void (now += ms));
  const { attempts } = patient({ away_after_ms: 2_000, clock: { now: () => now, sleep } });
  let tries = 0;
  const away = () => attempts.run("read a", () => Promise.reject((tries++, system("ECONNREFUSED"))));
  const triesOf = async (call: () => Promise<unknown>) => {
    tries = 0;
    await assert.rejects(call, { code: "store_unavailable", retry: "after_backoff" });
    return tries;
  };
  // 50 + 100 + 200 + 400 + 800 + 1600 ms
  assert.equal(await triesOf(away), 7);
  assert.equal(await triesOf(away), 1);
  assert.equal(await attempts.run("read a", () => Promise.resolve("back")), "back");
  assert.equal(await triesOf(away), 7);
  now += 60_000;
  assert.equal(await triesOf(away), 7, "nobody knows what was meanwhile");
});

Deno.test("`run` tells of each trouble whether it may have had its effect", async () => {
  const { attempts } = patient();
  const left = [
    system("ECONNREFUSED"),
    answer(409, "ConditionalRequestConflict"),
    answer(400, "BadDigest"),
    answer(503, "SlowDown"),
    system("ECONNRESET"),
    new BrokenAnswer("the answer has no etag"),
  ];
  const effects: string[] = [];
  const result = await attempts.run("create a", () => {
    const error = left.shift();
    return error ? Promise.reject(error) : Promise.resolve("done");
  }, { onTrouble: ({ effect }) => effects.push(effect) });
  assert.equal(result, "done");
  assert.deepEqual(effects, ["none", "none", "none", "unknown", "unknown", "unknown"]);
});

Deno.test("`run` makes a missing bucket before it tries again", async () => {
  const { attempts, buckets } = patient();
  let calls = 0;
  const result = await attempts.run("create a", () => {
    calls++;
    return buckets() ? Promise.resolve("done") : Promise.reject(answer(404, "NoSuchBucket"));
  });
  assert.deepEqual([result, calls, buckets()], ["done", 2, 1]);
});

Deno.test("`run` does not repeat refusals", async () => {
  for (
    const [status, name, code] of [
      [403, "AccessDenied", "store_forbidden"],
      [404, "NoSuchKey", "store_missing"],
      [412, "PreconditionFailed", "store_taken"],
      [416, "InvalidRange", "store_range"],
      [400, "InvalidBucketName", "store_refused"],
      [501, "NotImplemented", "store_refused"],
      [301, "PermanentRedirect", "store_refused"],
    ] as const
  ) {
    const { attempts, slept } = patient();
    const refused = attempts.run("read a", () => Promise.reject(answer(status, name)));
    await assert.rejects(refused, (error) => error instanceof Fault && error.code === code, name);
    assert.deepEqual(slept, []);
  }
});

Deno.test("`run` ends an attempt that is silent, and one whose caller leaves", async () => {
  const { attempts } = patient({ silence_ms: 20, attempts: 2 });
  const never = (deadline: { signal: AbortSignal }) =>
    new Promise<never>((_, reject) => {
      deadline.signal.addEventListener("abort", () =>
        reject(new DOMException("Request aborted", "AbortError")));
    });
  await assert.rejects(attempts.run("read a", never), /Cannot read a: nothing came for 20 ms/);
  const controller = new AbortController();
  const reason = new Error("left");
  const effects: string[] = [];
  const leaving = patient().attempts.run("read a", never, {
    signal: controller.signal,
    onTrouble: ({ effect }) => effects.push(effect),
  });
  controller.abort(reason);
  await assert.rejects(leaving, (error) => error === reason);
  assert.deepEqual(effects, ["unknown"]);
});

Deno.test("`troubleOf` says where there was no connection to", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.7:9000"), { code: "ECONNREFUSED" });
  assert.equal(troubleOf(refused).state, "no connection (connect ECONNREFUSED 10.0.0.7:9000)");
});

Deno.test("`troubleOf` lets bugs, missing permissions and our own Faults pass", () => {
  const metadata = { $metadata: { attempts: 1 } };
  const fault = new Fault("store_full", "Cannot write", { blame: "dependency", retry: "after_backoff" });
  const refused = Object.assign(new Error("Requires env access"), { name: "NotCapable", ...metadata });
  for (const bug of [new TypeError("x"), Object.assign(new RangeError("x"), metadata), fault, refused]) {
    assert.throws(() => troubleOf(bug), (thrown) => thrown === bug);
  }
  const stumbled = Object.assign(new TypeError("x"), { $response: {}, ...metadata });
  assert.equal(troubleOf(stumbled).effect, "unknown");
});
