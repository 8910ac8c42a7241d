import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { tryRules } from "../../commands/rule_trial.ts";
import { loadConfiguration } from "../../lib/configuration.ts";
import { readSettings } from "../../lib/config.ts";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";
import { readRuleFile } from "../../lib/stream/rule_definition.ts";
import { AT_REST, settled, startProgram } from "../program.ts";
import { eventually } from "../waiting.ts";
import { BEGIN_MS } from "../generator/generated_events.ts";
import { runCommand } from "./run_command.ts";

const LEAST = 0.9;
const DAY_MS = 86_400_000;
const COUNT = 40_000;

Deno.test("shipped rules find the labelled bursts and little else", async () => {
  const reading = readSettings({}, Deno.readTextFileSync);
  if (!reading.ok) throw new Error("settings");
  const configuration = await loadConfiguration(reading.settings);
  const text = await Deno.readTextFile("config/rules.yaml");
  const { version, rules, definitions } = readRuleFile(text, configuration.kinds);
  const { scores, alerts } = tryRules({
    settings: reading.settings,
    configuration,
    generator: readGeneratorFile("users: 300\n"),
    rules: { version, rules },
    span: { count: COUNT, from_ms: BEGIN_MS, to_ms: BEGIN_MS + 3 * DAY_MS },
    seed: 1,
  });
  for (const { name } of definitions.filter((rule) => rule.enabled && rule.name !== "unusual_hour")) {
    const { recall, precision, bursts } = scores.score(name);
    ok(bursts >= 3, `${name}: ${bursts} bursts`);
    ok(recall !== null && recall >= LEAST, `${name}: recall ${recall}`);
    ok(precision !== null && precision >= LEAST, `${name}: precision ${precision}`);
  }
  ok(alerts < COUNT / 100, `${alerts} alerts`);
});

Deno.test("main.ts rules check accepts the shipped file and names each line of a bad one", async () => {
  const good = await runCommand(["rules", "check", "config/rules.yaml"], {});
  strictEqual(good.code, 0, good.stderr);
  match(good.stdout, /ok, 9 rules \(1 not enabled\), version [0-9a-f]{32}/);
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(
    path,
    "rules:\n  - name: Bad\n    kind: threshold\n    severity: high\n    limit: 5\n",
  );
  const bad = await runCommand(["rules", "check", path], {});
  await Deno.remove(path);
  strictEqual(bad.code, 1);
  match(bad.stderr, /line 2: .*no name of lower-case letters/);
});

Deno.test("a refused rules.yaml is told while it lies there, and no longer", async () => {
  const DATA_DIR = await Deno.makeTempDir();
  const CONFIG_DIR = await Deno.makeTempDir();
  const path = `${CONFIG_DIR}/rules.yaml`;
  const program = await startProgram({
    env: { ...AT_REST, DATA_DIR, CONFIG_DIR, CHECKPOINT_MS: "200", DEMO_EVENTS_PER_SECOND: "0" },
  });
  try {
    // A record that is published says that every worker is at work: each has read the files as they were.
    const headers = { "content-type": "application/json" };
    const sent = await fetch(`${program.url}/ingest/event`, { method: "POST", headers, body: "{}" });
    strictEqual((await sent.json()).accepted, 1);
    await settled(program.url);
    const problems = async (): Promise<string[]> => {
      await (await fetch(`${program.url}/api/rules`)).body?.cancel();
      return (await (await fetch(`${program.url}/api/stats`)).json()).problems;
    };
    await Deno.writeTextFile(path, "rules: nonsense\n");
    await eventually(problems, (all) => all.some((one) => one.includes("rules.yaml")), {
      what: "the refusal",
    });
    await Deno.writeTextFile(path, "rules: []\n");
    const stats = async () => (await (await fetch(`${program.url}/api/stats`)).json()).problems;
    await eventually(stats, (all: string[]) => all.length === 0, { what: "no problem" });
    // What cannot be read is no reason to hide what is in force.
    await Deno.remove(path);
    await Deno.mkdir(path);
    const rules = async () => {
      const response = await fetch(`${program.url}/api/rules`);
      return { status: response.status, ...await response.json() };
    };
    const { items, problem } = await eventually(rules, ({ status }) => status === 200, { what: "the rules" });
    deepStrictEqual(items, []);
    match(problem, /Cannot read .*rules\.yaml/);
  } finally {
    await program.stop();
    await Deno.remove(DATA_DIR, { recursive: true });
    await Deno.remove(CONFIG_DIR, { recursive: true });
  }
});

Deno.test("main.ts rules score gives the same figures for the same seed", async () => {
  const score = () => runCommand(["rules", "score", "--count", "3000", "--seed", "4", "--json"], {});
  const [one, other] = await Promise.all([score(), score()]);
  strictEqual(one.code, 0, one.stderr);
  deepStrictEqual(JSON.parse(one.stdout), JSON.parse(other.stdout));
  strictEqual(JSON.parse(one.stdout).rules.length, 9);
});
