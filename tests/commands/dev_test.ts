/** `main.ts dev` as people run it: events flow, webhooks are taken, it ends in order, and `reset` leaves nothing. */
import { match, ok, strictEqual } from "node:assert/strict";
import { curlLine, greeting } from "../../commands/dev.ts";
import { DEV_FOLDER } from "../../commands/dev_folder.ts";
import { isThere } from "../../lib/store/local_file.ts";
import { startProgram } from "../program.ts";
import { settingsOf } from "../routes/test_app.ts";
import { eventually } from "../waiting.ts";
import { runCommand } from "./run_command.ts";

const OWNER_ONLY = 0o600;

interface Account {
  source: string;
  accepted: number;
  rows: number;
  holds: boolean;
}

async function accountOf(url: string, source: string): Promise<Account | undefined> {
  const status: { accounting: Account[] } = await (await fetch(`${url}/api/status`)).json();
  return status.accounting.find((one) => one.source === source);
}

Deno.test("commands look at the lake of dev where there is no other and none was named", async () => {
  const cwd = await Deno.makeTempDir();
  const env = { DATA_DIR: `${cwd}/data/dev`, CHECKPOINT_MS: "300", DEMO_EVENTS_PER_SECOND: "0" };
  const program = await startProgram({ role: "dev", env });
  try {
    strictEqual((await runCommand(["hook", "stripe"], {}, cwd)).code, 0);
    const ask = async (args: string[], dir = cwd) => await runCommand(args, {}, dir);
    const count = ["sql", "--format", "csv", "SELECT count(*) AS n FROM transactions"];
    const isOne = ({ stdout }: { stdout: string }) => stdout === "n\n1\n";
    ok(isOne(await eventually(() => ask(count), isOne)));
    match((await ask(["snapshots", "transactions"])).stdout, / append /);
    match((await ask(["tables"])).stdout, /processed\.transactions +1 /);
    match((await ask(["audit"])).stdout, /\naudit: ok, |^audit: ok, /);
    await Deno.mkdir(`${cwd}/data/lake`);
    match((await ask(count)).stderr, /there is no table "transactions"/);
  } finally {
    strictEqual(await program.stop(), 0, program.lines.join("\n"));
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("dev lets events flow, takes a signed webhook and curl's event, ends with 0, and is reset", async () => {
  const folder = `${await Deno.makeTempDir()}/dev`;
  const env = { DATA_DIR: folder, CHECKPOINT_MS: "300" };
  const program = await startProgram({ role: "dev", env });
  try {
    strictEqual(program.lines.filter((line) => /"(warn|error)"|WARN|ERROR/.test(line)).join("\n"), "");
    const first = await eventually(() => accountOf(program.url, "demo"), (one) => (one?.rows ?? 0) > 0);
    await eventually(() => accountOf(program.url, "demo"), (one) => one!.rows > first!.rows + 20);

    const second = await runCommand(["all"], { DATA_DIR: folder, PORT: "0" });
    strictEqual(second.code, 1);
    match(
      second.stderr,
      new RegExp(`process ${program.pid}\\) works in .* already\\. End it, or set DATA_DIR`),
    );

    strictEqual((await Deno.stat(`${folder}/secrets.env`)).mode! & 0o777, OWNER_ONLY);
    const hook = await runCommand(["hook", "stripe"], { DATA_DIR: folder });
    strictEqual(hook.code, 0, hook.stderr);
    match(hook.stdout, /^202 \{"id":"evt_/);
    const forged = await runCommand(["hook", "stripe"], {
      DATA_DIR: folder,
      STRIPE_WEBHOOK_SECRET: "whsec_other",
    });
    strictEqual(forged.code, 1);
    match(forged.stdout, /^401 /);

    const curl = await new Deno.Command("sh", { args: ["-c", curlLine(program.url)], stdout: "piped" })
      .output();
    match(new TextDecoder().decode(curl.stdout), /"accepted":1/);
    for (const source of ["stripe", "token"]) {
      ok((await eventually(() => accountOf(program.url, source), (one) => one?.rows === 1))!.holds);
    }

    const busy = await runCommand(["reset", "--yes"], { DATA_DIR: folder });
    strictEqual(busy.code, 1);
    match(busy.stderr, /a server uses it/);
  } finally {
    strictEqual(await program.stop(), 0, program.lines.join("\n"));
  }
  strictEqual((await runCommand(["reset", "--yes"], { DATA_DIR: folder })).code, 0);
  strictEqual(await Deno.stat(folder).then(() => true, () => false), false);
});

Deno.test("the greeting names what there is: addresses that answer, the folders in force, commands that find them", async () => {
  const url = "http://127.0.0.1:8123";
  const settings = settingsOf({ CONFIG_DIR: "/etc/lake", DEMO_EVENTS_PER_SECOND: "5" });
  const text = greeting(url, settings, "/var/lake");
  match(text, /made up meanwhile \(\/etc\/lake\/generator\.yaml;/);
  match(text, /: DATA_DIR=\/var\/lake deno run -A main\.ts reset --yes$/m);
  match(
    greeting(url, settingsOf({ DEMO_EVENTS_PER_SECOND: "5" }), DEV_FOLDER),
    /: deno run -A main\.ts reset --yes$/m,
  );
  const paths = [...text.matchAll(/^ {4}http:\S+:8123(\S*) /gm)].map(([, path]) => path);
  const DATA_DIR = await Deno.makeTempDir();
  const program = await startProgram({ env: { DATA_DIR } });
  try {
    strictEqual(paths.length, 3);
    for (const path of paths.slice(1)) {
      const answer = await fetch(`${program.url}${path}`, { headers: { accept: "text/html" } });
      strictEqual(answer.status, 200, path);
      await answer.body?.cancel();
    }
  } finally {
    strictEqual(await program.stop(), 0, program.lines.join("\n"));
    await Deno.remove(DATA_DIR, { recursive: true });
  }
});

Deno.test("reset does not empty a folder in which another role works, though dev was refused there", async () => {
  const folder = `${await Deno.makeTempDir()}/data`;
  const program = await startProgram({ env: { DATA_DIR: folder } });
  try {
    strictEqual((await runCommand(["dev", "--no-open"], { DATA_DIR: folder, PORT: "0" })).code, 1);
    const refused = await runCommand(["reset", "--yes"], { DATA_DIR: folder });
    strictEqual(refused.code, 1, refused.stdout);
    match(refused.stderr, /it was not made by dev|a server uses it/);
    await Deno.writeTextFile(`${folder}/dev.json`, JSON.stringify({ url: null }));
    match((await runCommand(["reset", "--yes"], { DATA_DIR: folder })).stderr, /a server uses it/);
    ok(await isThere(`${folder}/log`));
  } finally {
    strictEqual(await program.stop(), 0, program.lines.join("\n"));
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the build of the page ends with whoever started it", async () => {
  const build = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "static/build.ts", "--no-compress", "--with-parent"],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await build.stdin.close();
  strictEqual((await build.status).code, 1);
});

Deno.test("reset leaves a folder alone that dev did not make", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/precious`, "");
  const { code, stderr } = await runCommand(["reset", "--yes"], { DATA_DIR: folder });
  strictEqual(code, 1);
  match(stderr, /was not made by dev/);
  ok(await Deno.stat(`${folder}/precious`));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("all makes demo data only when asked, and takes an edited generator.yaml over while it runs", async () => {
  const folder = await Deno.makeTempDir();
  const config = `${folder}/config`;
  await Deno.mkdir(config);
  for await (const { name } of Deno.readDir("config")) {
    await Deno.copyFile(`config/${name}`, `${config}/${name}`);
  }
  const env = { DATA_DIR: `${folder}/data`, CONFIG_DIR: config, CHECKPOINT_MS: "300" };
  const program = await startProgram({ env: { ...env, DEMO_EVENTS_PER_SECOND: "50" } });
  const said = (text: string) =>
    eventually(() => program.lines, (all) => all.some((one) => one.includes(text)), { what: text });
  try {
    await eventually(() => accountOf(program.url, "demo"), (one) => (one?.rows ?? 0) > 0);
    const file = `${folder}/data/labels.ndjson`;
    const labels = async () => await isThere(file) ? await Deno.readTextFile(file) : "";
    match(await eventually(labels, (text) => text.endsWith("\n")), /^\{"event_id":.*"pattern":/);
    await Deno.writeTextFile(`${config}/generator.yaml`, "users: 10\nusres: 20\n");
    match((await said("stays as it was")).find((one) => one.includes("stays as it was"))!, /usres/);
    const only = ["transaction", "clickstream", "user_activity", "api_call", "transaction_status"];
    const weights = only.map((kind) => `${kind}: 0`).join(", ");
    const shares = ["fraud", "malformed", "duplicate"].map((name) => `${name}_share: 0\n`).join("");
    await Deno.writeTextFile(
      `${config}/generator.yaml`,
      `events_per_second: 80\nweights: {${weights}}\n${shares}`,
    );
    await said("took generator.yaml over");
    const kinds = async () => {
      const { stdout } = await runCommand(["tail", "--limit", "30", "--json"], env);
      return stdout.trim().split("\n").map((line): string => JSON.parse(line).headers.kind);
    };
    const isNew = (all: string[]) => all.filter((kind) => kind === "sensor_reading").length >= 20;
    await eventually(kinds, isNew, { what: "events of one kind" });
  } finally {
    strictEqual(await program.stop(), 0, program.lines.join("\n"));
    await Deno.remove(folder, { recursive: true });
  }
});
