import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { relative } from "node:path";
import { connectEngine, connectFiles } from "../../lib/connect.ts";
import { Fault } from "../../lib/errors.ts";
import { DuckdbEngine, type DuckdbEngineOptions, openDuckdbEngine } from "../../lib/query/duckdb_engine.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { MemoryStore } from "../store/memory_store.ts";
import { settingsOf } from "../routes/test_app.ts";
import { type EngineSetup, queryEngineContract } from "../contracts/query_engine_contract.ts";
import { eventually, pause } from "../waiting.ts";

const SCRIPT = new URL("../../workers/query.ts", import.meta.url).href;
const MIB = 1024 ** 2;

/** An engine whose folder for temporary files goes with it. */
function open(
  { temp_directory = Deno.makeTempDirSync(), ...setup }:
    & Partial<EngineSetup>
    & Partial<Pick<DuckdbEngineOptions, "temp_directory" | "script" | "lastWords">> = {},
): DuckdbEngine {
  const engine = openDuckdbEngine({
    script: SCRIPT,
    deno: Deno.execPath(),
    temp_directory,
    allowed_directories: [],
    timeout_ms: 300_000,
    max_bytes: 512 * MIB,
    max_concurrent: 2,
    ...setup,
  });
  const dispose = engine[Symbol.asyncDispose].bind(engine);
  return Object.assign(engine, {
    async [Symbol.asyncDispose]() {
      await dispose();
      deepStrictEqual([...Deno.readDirSync(temp_directory)], [], "temporary files were left");
      await Deno.remove(temp_directory);
    },
  });
}

queryEngineContract("DuckdbEngine", (setup) => Promise.resolve(open(setup)));

const one = (sql: string) => ({ sql, relations: [], limit: 10 });

/** Processes that run the worker and descend from `parent`. */
async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = [];
  for await (const entry of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    const status = await Deno.readTextFile(`/proc/${entry.name}/status`).catch(() => "");
    const command = await Deno.readTextFile(`/proc/${entry.name}/cmdline`).catch(() => "");
    if (status.includes(`\nPPid:\t${parent}\n`) && command.includes("workers/query.ts")) {
      found.push(Number(entry.name));
    }
  }
  return found;
}

Deno.test("DuckdbEngine gives its processes an empty environment and no permission but ffi", async () => {
  await using engine = open();
  await engine.run(one("SELECT 1"));
  const [pid] = await childrenOf(Deno.pid);
  const environment = (await Deno.readTextFile(`/proc/${pid}/environ`)).split("\0").filter((one) => one);
  deepStrictEqual(environment, []);
  const command = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0").filter((one) => one);
  deepStrictEqual(command.slice(1), ["run", "--no-prompt", "--allow-ffi", SCRIPT]);
});

Deno.test("connectEngine tells its processes where Deno keeps its packages, when that is somewhere else", async () => {
  const usual = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], stdout: "piped" })
    .output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(usual.stdout));
  const DATA_DIR = await Deno.makeTempDir();
  {
    await using engine = await connectEngine(settingsOf({ DATA_DIR, DENO_DIR: denoDir }), new URL(SCRIPT));
    await engine.run(one("SELECT 1"));
    const [pid] = await childrenOf(Deno.pid);
    const environment = (await Deno.readTextFile(`/proc/${pid}/environ`)).split("\0").filter((one) => one);
    deepStrictEqual(environment, [`DENO_DIR=${denoDir}`]);
  }
  await Deno.remove(DATA_DIR, { recursive: true });
});

Deno.test("DuckdbEngine uses a process again after a query that failed in its bounds", async () => {
  await using engine = open();
  await engine.run(one("SELECT 1"));
  const before = await childrenOf(Deno.pid);
  await rejects(engine.run(one("SELECT nothing")), Fault);
  await engine.run(one("SELECT 1"));
  deepStrictEqual(await childrenOf(Deno.pid), before);
});

Deno.test("DuckdbEngine lets no query pay for the memory that another left behind", async () => {
  await using engine = open({ max_concurrent: 1 });
  const large = one("SELECT repeat('x', 1000000) FROM range(100)");
  for (let time = 1; time <= 4; time++) {
    strictEqual((await engine.run({ ...large, limit: 100 })).rows.length, 100, `time ${time}`);
  }
});

Deno.test("DuckdbEngine survives the death of its process", async () => {
  await using engine = open({ max_concurrent: 1 });
  await engine.warm();
  const [pid] = await childrenOf(Deno.pid);
  const running = engine.run(one("SELECT count(*) FROM range(1000000000) a, range(1000000000) b"));
  setTimeout(() => Deno.kill(pid, "SIGKILL"), 100);
  await rejects(running, (fault: Fault) => fault.blame === "dependency" && fault.retry === "after_backoff");
  deepStrictEqual((await engine.run(one("SELECT 3"))).rows, [[3]]);
  Deno.kill((await childrenOf(Deno.pid))[0], "SIGKILL");
  const next = await engine.run(one("SELECT 4")).catch((fault: Fault) => fault.blame);
  strictEqual(typeof next === "string" ? next : next.rows[0][0], typeof next === "string" ? "dependency" : 4);
  deepStrictEqual((await engine.run(one("SELECT 5"))).rows, [[5]]);
});

Deno.test("DuckdbEngine keeps the last words of a process from who asked, and tells them apart", async () => {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(script, 'console.error("at file:///inner.ts:1"); Deno.exit(7);');
  const heard: string[][] = [];
  const lastWords = (...words: string[]) => void heard.push(words);
  await using engine = open({ script, lastWords });
  const message = "Cannot finish the query: its process ended (exit status 7)";
  await rejects(engine.run(one("SELECT 1")), { blame: "dependency", message });
  deepStrictEqual(heard[0], ["exit status 7", "at file:///inner.ts:1"]);
  await Deno.remove(script);
});

Deno.test("DuckdbEngine goes on when somebody cleared its folders", async () => {
  const temp_directory = await Deno.makeTempDir();
  await using engine = open({ max_concurrent: 1, temp_directory });
  await engine.run(one("SELECT 1"));
  const [pid] = await childrenOf(Deno.pid);
  for (const { name } of Deno.readDirSync(temp_directory)) await Deno.remove(`${temp_directory}/${name}`);
  Deno.kill(pid, "SIGKILL");
  await engine.run(one("SELECT 2")).catch((fault: Fault) => strictEqual(fault.blame, "dependency"));
  deepStrictEqual((await engine.run(one("SELECT 3"))).rows, [[3]]);
});

Deno.test("a query process ends with its parent, also in the middle of a query", async () => {
  const parent = `
    import { openDuckdbEngine } from ${
    JSON.stringify(new URL("../../lib/query/duckdb_engine.ts", import.meta.url).href)
  };
    const engine = openDuckdbEngine({ script: ${JSON.stringify(SCRIPT)}, deno: Deno.execPath(),
      temp_directory: Deno.args[0], allowed_directories: [], timeout_ms: 60000, max_bytes: 2 ** 29, max_concurrent: 1 });
    await engine.warm();
    console.log("warm");
    await engine.run({ sql: "SELECT count(*) FROM range(1000000000) a, range(1000000000) b", relations: [], limit: 1 });
  `;
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/parent.ts`, parent);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config, `${folder}/parent.ts`, folder],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  await pause(300);
  const children = await childrenOf(process.pid);
  strictEqual(children.length, 1);
  process.kill("SIGKILL");
  await process.status;
  await reader.cancel();
  const alive = async (pid: number) => {
    const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "State:\tZ");
    return !status.includes("State:\tZ");
  };
  // By contract it has two seconds; more is for a machine that is busy.
  await eventually(() => alive(children[0]), (isAlive) => !isAlive, { what: "its end" });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("connectEngine reads data files also where the data folder is a link, or relative", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.symlink(folder, `${folder}-link`);
  const beside = relative(Deno.cwd(), folder);
  for (const DATA_DIR of [`${folder}-link`, beside]) {
    await using engine = await connectEngine(settingsOf({ DATA_DIR }), new URL(SCRIPT));
    const store = openDiskStore(DATA_DIR);
    const { bytes } = await engine.runToParquet(one("SELECT 1 AS id"));
    await store.create("lake/a.parquet", bytes);
    const columns = [{ id: 1, name: "id", type: "int" }];
    const paths = [store.localPath("lake/a.parquet")!];
    const relations = [{ kind: "files" as const, name: "raw.a", columns, paths }];
    const { rows } = await engine.run({ sql: "SELECT count(*) FROM a", relations, limit: 1 });
    deepStrictEqual(rows, [[1]], DATA_DIR);
    await store[Symbol.asyncDispose]();
  }
  const S3 = { S3_BUCKET: "b", S3_ENDPOINT: "http://127.0.0.1:9", DATA_DIR: beside };
  const store = new MemoryStore();
  await store.create("k.parquet", new Uint8Array([1]));
  {
    await using files = await connectFiles(settingsOf(S3), store);
    using leases = await files!.leaseAll(["k.parquet"]);
    strictEqual(leases.paths[0].startsWith(`${folder}/cache/`), true, leases.paths[0]);
  }
  await Deno.remove(`${folder}-link`);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("connectEngine removes what the queries of a killed program left on the disk", async () => {
  const DATA_DIR = await Deno.makeTempDir();
  const env = { DATA_DIR };
  const file = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const program = `
    import { connectEngine } from ${file("../../lib/connect.ts")};
    import { settingsOf } from ${file("../routes/test_app.ts")};
    const engine = await connectEngine(settingsOf(${JSON.stringify(env)}), new URL(${
    JSON.stringify(SCRIPT)
  }));
    await engine.run({ sql: "SELECT 1", relations: [], limit: 1 });
    console.log("asked");
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  `;
  await Deno.writeTextFile(`${DATA_DIR}/program.ts`, program);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config, `${DATA_DIR}/program.ts`],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  process.kill("SIGKILL");
  await process.status;
  await reader.cancel();
  const left = () => [...Deno.readDirSync(`${DATA_DIR}/tmp/query`)].length;
  strictEqual(left() > 0, true);
  await (await connectEngine(settingsOf(env), new URL(SCRIPT)))[Symbol.asyncDispose]();
  strictEqual(left(), 0);
  await Deno.remove(DATA_DIR, { recursive: true });
});

Deno.test("DuckdbEngine counts what is written longer than it is", async () => {
  await using engine = open({ max_bytes: MIB });
  for (const character of ["chr(1)", "'\"'", "'\\'"]) {
    const limit = (fault: Fault) => fault.code === "limit" && fault.blame === "sender";
    await rejects(engine.run(one(`SELECT repeat(${character}, 900000)`)), limit, character);
  }
  strictEqual((await engine.run(one("SELECT repeat('x', 900000)"))).rows.length, 1);
});

Deno.test("DuckdbEngine writes an answer as Parquet", async () => {
  await using engine = open();
  const hundred = { ...one("SELECT range AS i FROM range(100) -- all of them"), limit: 1000 };
  const { bytes, truncated } = await engine.runToParquet(hundred);
  deepStrictEqual(new TextDecoder().decode(bytes.slice(0, 4)), "PAR1");
  strictEqual(truncated, false);
  for (const [limit, cut] of [[99, true], [100, false]] as const) {
    strictEqual((await engine.runToParquet({ ...hundred, limit })).truncated, cut);
  }
  await rejects(engine.runToParquet(one("DELETE FROM x")), (fault: Fault) => fault.code === "refused");
});

Deno.test("DuckdbEngine refuses when it is closed", async () => {
  const engine = await open();
  await engine[Symbol.asyncDispose]();
  await rejects(engine.run(one("SELECT 1")), /the engine is closed/);
});
