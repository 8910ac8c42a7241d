/** Commands where no lake is, and where one may only be read. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { COMMANDS } from "../../commands/commands.ts";
import { needLog } from "../../commands/lake_place.ts";
import { isThere } from "../../lib/store/local_file.ts";
import { settled, startProgram } from "../program.ts";
import { settingsOf } from "../routes/test_app.ts";
import { runCommand } from "./run_command.ts";

/** How each command that works on a lake is called, when it is called rightly. */
const CALLS: Record<string, readonly string[]> = {
  sql: ["SELECT 1"],
  tables: [],
  snapshots: ["transactions"],
  alerts: [],
  transactions: [],
  tail: [],
  compact: [],
  expire: [],
  collect: [],
  evolve: ["transaction"],
  replay: ["raw"],
  relocate: [],
  backup: ["/nowhere/backup"],
  audit: [],
  models: [],
};
/** Those that are of use, or make a lake, where there is none. */
const WITHOUT_LAKE = ["produce", "doctor"];

Deno.test("what works on a lake refuses a folder without one, and makes nothing there", async () => {
  const other = await Deno.makeTempDir();
  const missing = `${other}/missing`;
  const names = COMMANDS.filter(({ on_lake }) => on_lake).map(({ names: [name] }) => name);
  deepEqual(names.filter((name) => !WITHOUT_LAKE.includes(name)).sort(), Object.keys(CALLS).sort());
  for (const [name, args] of Object.entries(CALLS)) {
    const command = COMMANDS.find(({ names }) => names.includes(name))!;
    for (
      const [DATA_DIR, state] of [[other, "the folder holds none"], [missing, "there is no such folder"]]
    ) {
      const message = new RegExp(`^Cannot find a (lake|log) in ${DATA_DIR}: ${state}\\. Check DATA_DIR`);
      const run = () =>
        command.run({ name, args, settings: settingsOf({ DATA_DIR }), given: new Set(["DATA_DIR"]) });
      await rejects(run, { code: "no_lake", message }, name);
    }
  }
  deepEqual([...Deno.readDirSync(other)], []);

  const { code, stderr } = await runCommand(["tables"], { DATA_DIR: missing });
  deepEqual([code, stderr.includes("    at ")], [1, false], stderr);
  await Deno.writeTextFile(missing, "");
  match((await runCommand(["tables"], { DATA_DIR: missing })).stderr, /^Cannot find a lake in /);
  await Deno.remove(other, { recursive: true });
});

Deno.test("a lake without its log is none to tail, and a log without tables is enough to ask", async () => {
  const DATA_DIR = await Deno.makeTempDir();
  await Deno.mkdir(`${DATA_DIR}/lake`);
  await rejects(needLog(settingsOf({ DATA_DIR })), { message: /^Cannot find a log in / });
  await Deno.remove(`${DATA_DIR}/lake`);
  await Deno.mkdir(`${DATA_DIR}/log`);
  await needLog(settingsOf({ DATA_DIR }));
  equal((await runCommand(["tables"], { DATA_DIR })).code, 0);
  await Deno.remove(DATA_DIR, { recursive: true });
});

Deno.test("doctor says that no lake is there yet, finds nothing to mend in that, and makes nothing", async () => {
  const above = await Deno.makeTempDir();
  const DATA_DIR = `${above}/data`;
  const { code, stdout } = await runCommand(["doctor"], { DATA_DIR });
  equal(code, 0, stdout);
  match(
    stdout,
    new RegExp(`^warn {2}lake: there is none yet: .* in ${DATA_DIR}: there is no such folder`, "m"),
  );
  match(stdout, /^ok {4}store: nothing to look at yet$/m);
  match(stdout, /^doctor: all is well, and there is no lake yet$/m);
  deepEqual([...Deno.readDirSync(above)], []);
  const file = await runCommand(["doctor"], { DATA_DIR: "/proc/version/data" });
  match(file.stdout, /^WRONG settings: DATA_DIR \/proc\/version\/data cannot be written/m);
  equal(file.code, 1);
  await Deno.remove(above, { recursive: true });
});

/** Runs what follows with `folder` mounted so that nothing can be written there. */
const readOnly = (folder: string) => [
  "unshare",
  "-rm",
  "sh",
  "-c",
  'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"',
  folder,
];
const probed = await Deno.makeTempDir();
const [command, ...args] = [...readOnly(probed), "true"];
const canMount = await new Deno.Command(command, { args, stderr: "null" }).output()
  .then(({ success }) => success, () => false);
await Deno.remove(probed);

Deno.test("a lake in a folder that may only be read is read; who must write there says so in a sentence", {
  ignore: !canMount,
}, async () => {
  const DATA_DIR = await Deno.makeTempDir();
  const program = await startProgram({ env: { DATA_DIR, CHECKPOINT_MS: "300" } });
  const sent = await fetch(`${program.url}/ingest/transaction`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      event_id: "e1",
      timestamp: "2026-03-01T12:00:00Z",
      user_id: "ada",
      amount: "5",
      currency: "EUR",
      status: "completed",
    }),
  });
  equal(sent.status, 202);
  await settled(program.url);
  equal(await program.stop(), 0);
  // So that room for queries must be found elsewhere.
  await Deno.remove(`${DATA_DIR}/tmp`, { recursive: true });
  const run = (...args: string[]) => runCommand(args, { DATA_DIR }, undefined, readOnly(DATA_DIR));
  const rows = await run("sql", "SELECT user_id FROM transactions", "--format", "csv");
  equal(rows.stdout, "user_id\nada\n", rows.stderr);
  match((await run("tables")).stdout, /processed\.transactions +1 /);
  match((await run("tables", "--format", "parquet")).stdout, /^PAR1/);
  match((await run("audit")).stdout, /^audit: ok, /m);
  const tail = await run("tail", "--from", "0", "--limit", "1");
  deepEqual([tail.code, tail.stderr.includes("must be able to write in its folder")], [1, true], tail.stderr);
  const models = await run("models");
  deepEqual([models.code, models.stderr], [1, ""]);
  match(models.stdout, /the file system is read-only/);
  const produced = await run("produce", "--count", "1");
  equal(produced.code, 1);
  match(produced.stderr, /^Cannot produce: Read-only file system [^\n]*\n$/);
  equal(await isThere(`${DATA_DIR}/tmp`), false);
  await Deno.remove(DATA_DIR, { recursive: true });
});
