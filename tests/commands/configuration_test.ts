/** Files of CONFIG_DIR and settings that are wrong, as a person hears of them: from doctor, at a start, in the log. */
import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { startProgram } from "../program.ts";
import { eventually } from "../waiting.ts";
import { runCommand } from "./run_command.ts";

async function configFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await Deno.makeTempDir();
  for await (const { name } of Deno.readDir("config")) {
    await Deno.copyFile(`config/${name}`, `${folder}/${name}`);
  }
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
  return folder;
}

Deno.test("doctor says of every file of CONFIG_DIR what is wrong in it", async () => {
  const CONFIG_DIR = await configFolder({
    "alerts.yaml": "webhooks:\n  - {name: Chat}\n",
    "generator.yaml": "usres: 5\n",
    "rules.yaml": "rules: 5\n",
    "windows.yaml": "windows: 5\n",
  });
  const DATA_DIR = `${CONFIG_DIR}/data`;
  await Deno.mkdir(`${DATA_DIR}/lake`, { recursive: true });
  const { code, stdout } = await runCommand(["doctor"], { CONFIG_DIR, DATA_DIR });
  equal(code, 1, stdout);
  match(stdout, /^WRONG tables: Cannot take over rules\.yaml/m);
  doesNotMatch(stdout, /relocate/);
  const [line] = /^WRONG configuration files: .*$/m.exec(stdout) ?? [""];
  match(line, /Cannot take over rules\.yaml: line 1: /);
  match(line, /Cannot take over windows\.yaml: line 1: /);
  match(line, /Cannot take over alerts\.yaml: line 2: /);
  match(line, /Cannot take over generator\.yaml: .*usres/);
  match(stdout, /^ok {4}settings: /m);
  await Deno.remove(CONFIG_DIR, { recursive: true });
});

Deno.test("doctor warns of a file that is empty, and of webhooks that no secret signs for", async () => {
  const CONFIG_DIR = await configFolder({
    "alerts.yaml": "webhooks:\n  - {name: one, url: https://example.com/a}\n",
    "windows.yaml": "",
  });
  const { code, stdout } = await runCommand(["doctor"], { CONFIG_DIR, DATA_DIR: `${CONFIG_DIR}/none` });
  equal(code, 0, stdout);
  const warning = "windows.yaml is empty; webhooks of alerts.yaml get nothing without ALERT_WEBHOOK_SECRET";
  match(stdout, new RegExp(`^warn {2}configuration files: .*; ${warning}$`, "m"));
  await Deno.remove(CONFIG_DIR, { recursive: true });
});

Deno.test("a secret that can sign no alert is refused at a start, and by doctor", async () => {
  const DATA_DIR = `${await Deno.makeTempDir()}/data`;
  const env = { DATA_DIR, PORT: "0", ALERT_WEBHOOK_SECRET: "whsec_!!secret!!" };
  const start = await runCommand(["all"], env);
  equal(start.code, 2);
  match(start.stderr, /^ {2}ALERT_WEBHOOK_SECRET is not base64 after whsec_$/m);
  const doctor = await runCommand(["doctor"], env);
  equal(doctor.code, 1);
  match(doctor.stdout, /^WRONG settings: ALERT_WEBHOOK_SECRET is not base64/m);
  doesNotMatch(start.stderr + doctor.stdout, /!!secret/);
});

Deno.test("a program says once that a file is refused, and once which file it took over", async () => {
  const CONFIG_DIR = await configFolder({});
  const DATA_DIR = await Deno.makeTempDir();
  const program = await startProgram({ env: { CONFIG_DIR, DATA_DIR, PROCESS_WORKERS: "2" } });
  const of = (level: string) =>
    program.lines.filter((line) => line.includes(`"level":"${level}"`)).map((
      line,
    ): { msg: string; reason: string } => JSON.parse(line));
  const said = async (level: string, text: string) => {
    const has = () => of(level).filter(({ msg, reason }) => `${msg} ${reason}`.includes(text));
    return await eventually(has, ({ length }) => length > 0, { what: text });
  };
  const good = await Deno.readTextFile(`${CONFIG_DIR}/rules.yaml`);
  const health = async () => (await (await fetch(`${program.url}/health`)).json()).workers;
  try {
    await eventually(health, (word) => word === "ok", { what: "workers that have read the files" });
    // One after the other, so that all who watch have seen one of them.
    for (const word of ["one", "two", "three"]) {
      await Deno.writeTextFile(`${CONFIG_DIR}/rules.yaml`, `rules: ${word}\nother_${word}: 5\n`);
      await said("error", `other_${word}`);
    }
    await Deno.writeTextFile(`${CONFIG_DIR}/rules.yaml`, `${good}\n# edited\n`);
    await said("info", "took rules.yaml over");
  } finally {
    equal(await program.stop(), 0, program.lines.join("\n"));
  }
  equal(of("error").length, 3, program.lines.join("\n"));
  deepEqual(of("info").map(({ msg }) => msg).filter((msg) => msg.startsWith("took")), [
    "took rules.yaml over",
  ]);
  await Deno.remove(CONFIG_DIR, { recursive: true });
  await Deno.remove(DATA_DIR, { recursive: true });
});

Deno.test("windows that their tables refuse are told as a problem and not as in force", async () => {
  const CONFIG_DIR = await configFolder({});
  const DATA_DIR = await Deno.makeTempDir();
  const program = await startProgram({ env: { CONFIG_DIR, DATA_DIR } });
  const get = async (path: string) => await (await fetch(`${program.url}${path}`)).json();
  const names = async () => (await get("/api/windows")).items.map(({ name }: { name: string }) => name);
  const before = await names();
  try {
    await eventually(async () => (await get("/health")).workers, (word) => word === "ok", {
      what: "workers",
    });
    const other =
      "{ name: user_minute, over: transaction, kind: tumbling, size: 60 s, aggregates: { total: { count: rows } } }";
    await Deno.writeTextFile(`${CONFIG_DIR}/windows.yaml`, `windows:\n  - ${other}\n`);
    const problems = async () => String((await get("/api/stats")).problems);
    const reason = /Cannot make total of analytics\.user_minute_revisions a "long"/;
    await eventually(problems, (text) => reason.test(text), { what: "the reason on the dashboard" });
    deepEqual(await names(), before);
  } finally {
    equal(await program.stop(), 0, program.lines.join("\n"));
  }
  await Deno.remove(CONFIG_DIR, { recursive: true });
  await Deno.remove(DATA_DIR, { recursive: true });
});
