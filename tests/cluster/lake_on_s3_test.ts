/** The lake on a real S3 server as the outside sees it: redirects for one object, pruned files fetched once, CORS looked at. */
import assert from "node:assert/strict";
import { hasBucket } from "../../lib/connect.ts";
import { runCommand } from "../commands/run_command.ts";
import { AT_REST, type Program, settled, startProgram } from "../program.ts";
import { settingsOf } from "../routes/test_app.ts";
import { type S3Server, startS3Server } from "./s3_server.ts";

const TOKEN = "reading-and-writing";
const BEARER = { authorization: `Bearer ${TOKEN}` };
const DAYS = ["2026-03-01", "2026-03-02", "2026-03-03"];

interface Scene extends AsyncDisposable {
  s3: S3Server;
  program: Program;
  env: Record<string, string>;
  cache: string;
}

/** One program with an embedded log and its lake in a bucket, in which each of three days has two transactions. */
async function scene(more: Record<string, string> = {}): Promise<Scene> {
  const s3 = await startS3Server();
  const DATA_DIR = await Deno.makeTempDir();
  const env = {
    DATA_DIR,
    API_TOKEN: TOKEN,
    CHECKPOINT_MS: "300",
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: "millrace",
    S3_ACCESS_KEY_ID: s3.access_key_id,
    S3_SECRET_ACCESS_KEY: s3.secret_access_key,
    // What the program reads by itself would be in the cache too.
    ...AT_REST,
    ...more,
  };
  const program = await startProgram({ env });
  const events = DAYS.flatMap((day) =>
    ["a", "b"].map((id) => ({
      event_id: `${day}-${id}`,
      timestamp: `${day}T12:00:00Z`,
      user_id: id,
      amount: "1.50",
      currency: "EUR",
      status: "completed",
    }))
  );
  const answer = await fetch(`${program.url}/ingest/transaction`, {
    method: "POST",
    headers: { ...BEARER, "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  assert.deepEqual(await answer.json(), { accepted: 6, duplicates: 0, rejected: [] });
  await settled(program.url, TOKEN);
  return {
    s3,
    program,
    env,
    cache: `${DATA_DIR}/cache`,
    async [Symbol.asyncDispose]() {
      await program.stop();
      await s3[Symbol.asyncDispose]();
      await Deno.remove(DATA_DIR, { recursive: true });
    },
  };
}

async function firstUrl({ program }: Scene): Promise<{ url: string; size_bytes: number }> {
  const list = await (await fetch(`${program.url}/api/tables/transactions/files`, { headers: BEARER }))
    .json();
  return list.files[0];
}

/** Names of the copies, with what tells a fetched one from one that was kept. */
async function copies(cache: string): Promise<{ name: string; ino: number | null; size: number }[]> {
  const found = [];
  for await (const { name } of Deno.readDir(cache)) {
    const { ino, size } = await Deno.stat(`${cache}/${name}`);
    found.push({ name, ino, size });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function ask({ program }: Scene, sql: string): Promise<unknown[][]> {
  const answer = await fetch(`${program.url}/api/query`, { method: "POST", headers: BEARER, body: sql });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).rows;
}

Deno.test("`/lake` sends who may read to an address of that one object, and says no secret", async () => {
  await using there = await scene();
  const { program, s3 } = there;
  const { url, size_bytes } = await firstUrl(there);
  const get = (path: string, init: RequestInit = {}) =>
    fetch(program.url + path, { redirect: "manual", headers: BEARER, ...init });

  const stranger = await get(url, { headers: {} });
  assert.deepEqual([stranger.status, stranger.headers.get("location")], [401, null]);
  await stranger.body?.cancel();
  const head = await get(url, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, String(size_bytes)]);

  const answer = await get(url);
  const location = answer.headers.get("location")!;
  assert.equal(answer.status, 307);
  assert.ok(location.startsWith(`${s3.endpoint}/millrace/lake/`), location);
  assert.match(location, /X-Amz-Expires=60\b/);
  assert.ok(!location.includes(s3.secret_access_key));
  const range = { headers: { range: "bytes=0-3" } };
  assert.equal(await (await fetch(location, range)).text(), "PAR1");
  const statusAt = async (address: string, method = "GET") => {
    const { status, body } = await fetch(address, { method, ...(method === "PUT" ? { body: "x" } : {}) });
    await body?.cancel();
    return status;
  };
  const other = location.replace("/lake/processed/", "/lake/raw/");
  const found = [await statusAt(other), await statusAt(location, "PUT"), await statusAt(location, "DELETE")];
  assert.deepEqual(found, [403, 403, 403]);

  for (
    const path of [
      "/lake/processed/transactions/metadata/v1.metadata.json",
      "/lake/processed/transactions/data/other.parquet",
      "/lake/%2e%2e/checkpoints/0",
    ]
  ) {
    const refused = await get(path);
    assert.deepEqual([refused.status, refused.headers.get("location")], [404, null], path);
    await refused.body?.cancel();
  }
});

Deno.test("a query fetches the files of its day once, and the cache keeps to its room", async () => {
  await using there = await scene();
  assert.deepEqual(
    await ask(there, `SELECT count(*) FROM transactions WHERE event_time::DATE = '${DAYS[0]}'`),
    [[2]],
  );
  const first = await copies(there.cache);
  assert.equal(first.length, 1);
  const range = `event_time >= '${DAYS[0]}' AND event_time < TIMESTAMP '${DAYS[0]} 23:59:59'`;
  assert.deepEqual(await ask(there, `SELECT user_id FROM transactions WHERE ${range} ORDER BY 1`), [["a"], [
    "b",
  ]]);
  assert.deepEqual(await copies(there.cache), first);
  assert.deepEqual(await ask(there, "SELECT count(*), sum(amount) FROM transactions"), [[6, 9]]);
  const all = await copies(there.cache);
  assert.equal(all.length, 3);
  assert.ok(all.some(({ ino }) => ino === first[0].ino));

  // A command keeps to the setting too, in the same folder, also with what it used to its last moment.
  for (const most of [first[0].size * 2, 1]) {
    const env = { ...there.env, CACHE_MAX_BYTES: String(most) };
    const { code, stdout } = await runCommand(
      ["sql", "SELECT count(*) FROM raw.events", "--format", "csv"],
      env,
    );
    assert.deepEqual([code, stdout.split("\n")[0]], [0, "count_star()"]);
    const kept = await copies(there.cache);
    const total = kept.reduce((sum, { size }) => sum + size, 0);
    assert.ok(total <= most, JSON.stringify(kept));
  }
});

Deno.test("doctor asks the store as a browser does, and warns of http under https", async () => {
  await using there = await scene();
  const fine = await runCommand(["doctor"], there.env);
  assert.match(
    fine.stdout,
    /^ok +browser: http:\/\/127\.0\.0\.1:\d+ allows ranges from http:\/\/127\.0\.0\.1:8000$/m,
  );
  assert.equal(fine.code, 0, fine.stdout);
  const mixed = await runCommand(["doctor"], { ...there.env, PUBLIC_URL: "https://lake.example" });
  assert.match(mixed.stdout, /^warn +browser: .*plain http under https$/m);
});

Deno.test("a mistyped bucket or prefix is no lake, and no bucket is made for it", async () => {
  await using there = await scene();
  const wrong: [env: Record<string, string>, state: RegExp][] = [
    [
      { S3_BUCKET: "milrace" },
      /in the bucket milrace below "lake\/": there is no such bucket\. Check S3_BUCKET/,
    ],
    [
      { S3_PREFIX: "lakes/" },
      /in the bucket millrace below "lakes\/": nothing is there\. Check S3_BUCKET, S3_PREFIX/,
    ],
  ];
  for (const [env, state] of wrong) {
    const { code, stderr } = await runCommand(["tables"], { ...there.env, ...env });
    assert.equal(code, 1);
    assert.match(stderr, state);
    const doctor = await runCommand(["doctor"], { ...there.env, ...env });
    assert.match(doctor.stdout, /^warn +lake: there is none yet/m);
    assert.equal(doctor.code, 0, doctor.stdout);
  }
  const settings = settingsOf({ ...there.env, S3_BUCKET: "milrace" });
  assert.equal(await hasBucket(settings), false);
  assert.equal(await hasBucket(settingsOf(there.env)), true);
});
