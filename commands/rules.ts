/** `main.ts rules check <file>` and `main.ts rules score`: whether rules are right, and how good they are. */
import { systemClock } from "../lib/clock.ts";
import { configText, loadConfiguration, readWithAdded } from "../lib/configuration.ts";
import type { Settings } from "../lib/config.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import type { Kinds } from "../lib/event/kinds.ts";
import { readGeneratorFile } from "../lib/generator/generator_file.ts";
import type { RuleScore } from "../lib/generator/score.ts";
import { resultText } from "../lib/query/table_text.ts";
import { readRuleFile } from "../lib/stream/rule_definition.ts";
import { addedInLake } from "./added_columns.ts";
import { parseArguments, wholeOption, wrongUsage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { progressOnTerminal } from "./progress.ts";
import { tryRules } from "./rule_trial.ts";

const EVENTS = 200_000;
const DAY_MS = 86_400_000;
/** The same week for everybody, so that a seed always gives the same figures. */
const WEEK_BEGINS_MS = Date.UTC(2026, 0, 5);
const DAYS = 7;

export const rules: Command = {
  names: ["rules"],
  usage: "rules check <file> | rules score [--file f] [--count N] [--seed N] [--json]",
  doc: "validate rules; precision and recall of rules on labelled data",
  more: [
    "rules check <file>  each fault with its line; exit status 1 when there is one. Nothing is put in force.",
    "rules score         made-up events whose fraud is known, against the rules of CONFIG_DIR, those not enabled included.",
    `--file scores that file instead; --count is how many events (${EVENTS}); --seed N makes others; --json prints one object.`,
  ],
  async run({ args, settings }) {
    const [what, ...rest] = args;
    if (what === "check") return await check(rest, settings);
    if (what === "score") return await score(rest, settings);
    throw wrongUsage("say rules check <file> or rules score");
  },
};

async function check(args: readonly string[], settings: Settings): Promise<number> {
  const { words: [path] } = parseArguments(args, { words: [1, 1] });
  const { kinds } = await loadConfiguration(settings, { added: addedInLake(settings) });
  const text = await textOf(path);
  try {
    const { version, definitions } = await readBesideLake(text, kinds, settings);
    const off = definitions.filter((rule) => !rule.enabled).length;
    console.log(`${path}: ok, ${definitions.length} rules (${off} not enabled), version ${version}`);
    return 0;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "definitions_refused") throw error;
    for (const { field, actual } of error.fields) console.error(`${path}: ${actual ?? field}`);
    return 1;
  }
}

/** With the columns that were added in the lake that the settings name. */
function readBesideLake(text: string | null, kinds: Kinds, settings: Settings) {
  return readWithAdded(kinds, addedInLake(settings), (kinds) => readRuleFile(text, kinds));
}

async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw wrongUsage(`${path} cannot be read: ${messageOf(error)}`);
  }
}

async function score(args: readonly string[], settings: Settings): Promise<number> {
  const parsed = parseArguments(args, { options: ["file", "count", "seed"], flags: ["json"] });
  const count = wholeOption(parsed, "count", EVENTS, [1000, 100_000_000]);
  const seed = wholeOption(parsed, "seed", 1, [0, Number.MAX_SAFE_INTEGER]);
  const configuration = await loadConfiguration(settings, { added: addedInLake(settings) });
  const text = parsed.options.file === undefined
    ? await configText(`${settings.CONFIG_DIR}/rules.yaml`)
    : await textOf(parsed.options.file);
  const { version, rules: list, definitions } = await readBesideLake(text, configuration.kinds, settings);
  const progress = progressOnTerminal("events", count, systemClock);
  const { scores } = tryRules({
    settings,
    configuration,
    generator: readGeneratorFile(await configText(`${settings.CONFIG_DIR}/generator.yaml`)),
    // Those that are not enabled are tried as well, and told apart below.
    rules: { version, rules: list.map(enabled) },
    span: { count, from_ms: WEEK_BEGINS_MS, to_ms: WEEK_BEGINS_MS + DAYS * DAY_MS },
    seed,
    onEvent: () => progress.add(1),
  });
  progress.end();
  const lines = definitions.map((rule) => ({
    ...scores.score(rule.name),
    severity: rule.severity,
    enabled: rule.enabled,
  }));
  const alerts = lines.reduce((sum, line) => sum + (line.enabled ? line.alerts : 0), 0);
  const summary = { events: count, seed, alerts, alerts_per_100_events: alerts / count * 100 };
  if (parsed.flags.has("json")) console.log(JSON.stringify({ ...summary, rules: lines }));
  else printScores(lines, summary);
  return 0;
}

function enabled(rule: unknown): unknown {
  return typeof rule === "object" && rule !== null ? { ...rule, enabled: true } : rule;
}

type Line = RuleScore & { severity: string; enabled: boolean };

function printScores(lines: readonly Line[], summary: { events: number; alerts: number }): void {
  const columns: [string, string][] = [
    ["rule", "VARCHAR"],
    ["severity", "VARCHAR"],
    ["enabled", "BOOLEAN"],
    ["bursts", "BIGINT"],
    ["found", "BIGINT"],
    ["recall", "DOUBLE"],
    ["alerts", "BIGINT"],
    ["right", "BIGINT"],
    ["precision", "DOUBLE"],
  ];
  const rows = lines.map((line) => [
    line.rule,
    line.severity,
    line.enabled,
    line.bursts,
    line.found,
    share(line.recall),
    line.alerts,
    line.right,
    share(line.precision),
  ]);
  const named = columns.map(([name, type]) => ({ name, type }));
  console.log(resultText({ columns: named, rows, truncated: false, elapsed_ms: 0 }, "table").trimEnd());
  const { events, alerts } = summary;
  console.log(`${events} events, ${alerts} alerts: ${(alerts / events * 100).toFixed(2)} in 100 events`);
}

function share(value: number | null): string | null {
  return value === null ? null : value.toFixed(3);
}
