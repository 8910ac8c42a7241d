/** `rules.yaml`: which rules there are, read whole or refused whole with line and reason. */
import { z } from "zod";
import { isCurrency } from "../event/money.ts";
import { type ColumnTypes, columnTypes, type KindShape, type KindShapes } from "./column_types.ts";
import { type DefinitionIssue, issuesOf, readConfigYaml, refusal, versionOf } from "./definition_file.ts";
import { DistinctRule, distinctRule } from "./distinct_rule.ts";
import { ImpossibleTravelRule, impossibleTravelRule } from "./impossible_travel_rule.ts";
import { QuietHoursRule, quietHoursRule } from "./quiet_hours_rule.ts";
import type { RuleContext, RuleEvaluator } from "./rule_fields.ts";
import { SequenceRule, sequenceRule } from "./sequence_rule.ts";
import { ThresholdRule, thresholdRule } from "./threshold_rule.ts";
import { VelocityRule, velocityRule } from "./velocity_rule.ts";
import { whereIssues } from "./where.ts";
import { fieldFault } from "./window_definition.ts";
import { ZScoreRule, zScoreRule } from "./z_score_rule.ts";

const RuleDefinition = z.discriminatedUnion("kind", [
  ThresholdRule,
  VelocityRule,
  QuietHoursRule,
  ZScoreRule,
  ImpossibleTravelRule,
  DistinctRule,
  SequenceRule,
]);

/** Times are milliseconds. `version` is the hash of the rule's own text. */
export type RuleDefinition = z.infer<typeof RuleDefinition> & { readonly version: string };

/** The operator of a rule. */
export function ruleEvaluator(rule: RuleDefinition, context: RuleContext): RuleEvaluator {
  switch (rule.kind) {
    case "threshold":
      return thresholdRule(rule);
    case "velocity":
      return velocityRule(rule, context);
    case "quiet_hours":
      return quietHoursRule(rule);
    case "z_score":
      return zScoreRule(rule);
    case "impossible_travel":
      return impossibleTravelRule(rule, context);
    case "distinct":
      return distinctRule(rule, context);
    case "sequence":
      return sequenceRule(rule, context);
  }
}

const DEFAULT_COOL_DOWN_MS = 60_000;

/** How long a rule keeps quiet about a key after an alert, in event time. */
export function coolDownMs(rule: RuleDefinition): number {
  if (rule.cool_down !== undefined) return rule.cool_down;
  if (rule.kind === "velocity") return rule.window;
  return rule.kind === "sequence" ? rule.within : DEFAULT_COOL_DOWN_MS;
}

/** The columns whose values make the key of a rule's events. */
export function ruleKey(rule: RuleDefinition, kind: KindShape): readonly string[] {
  const key = rule.key ?? [kind.partition[0]];
  return rule.kind === "z_score" ? [...key, "currency"] : key;
}

const MAX_RULES = 500;
const RuleFile = z.strictObject({ rules: z.array(z.unknown()).max(MAX_RULES).nullable() })
  .transform((file) => file.rules ?? []);
/** What a file that is not there says. */
export const NO_RULES = "rules: []";

/** What the body of a `rules` record holds. */
export interface RuleSet {
  /** Hash of all rules together. */
  version: string;
  /** As they stand in the file. */
  rules: readonly unknown[];
}

/** Reads the file's text, null when there is none; throws a Fault that names every line at fault. */
export function readRuleFile(
  text: string | null,
  kinds: KindShapes,
): RuleSet & { definitions: RuleDefinition[] } {
  const what = "rules.yaml";
  const { value, lineOf } = readConfigYaml(what, text, NO_RULES);
  const file = RuleFile.safeParse(value);
  if (!file.success) throw refusal(what, issuesOf(file.error), lineOf);
  const { definitions, issues } = parseRules(file.data, kinds);
  if (issues.length > 0) {
    throw refusal(what, issues.map(({ path, message }) => ({ path: ["rules", ...path], message })), lineOf);
  }
  return { version: versionOf(file.data), rules: file.data, definitions };
}

/** The list of a file or of a `rules` record. Issues' paths begin with the index. */
export function parseRules(
  list: readonly unknown[],
  kinds: KindShapes,
): { definitions: RuleDefinition[]; issues: DefinitionIssue[] } {
  const issues: DefinitionIssue[] = [];
  const definitions: RuleDefinition[] = [];
  list.forEach((item, index) => {
    const parsed = RuleDefinition.safeParse(item);
    const rule = parsed.success ? { ...parsed.data, version: versionOf(item) } : null;
    const found = rule === null ? issuesOf(parsed.error!) : ruleIssues(rule, kinds);
    issues.push(...found.map(({ path, message }) => ({ path: [index, ...path], message })));
    if (rule === null) return;
    if (definitions.some(({ name }) => name === rule.name)) {
      issues.push({ path: [index, "name"], message: `${rule.name} is there twice` });
    }
    if (found.length === 0) definitions.push(rule);
  });
  return { definitions, issues };
}

function ruleIssues(rule: RuleDefinition, kinds: KindShapes): DefinitionIssue[] {
  const kind = kinds.get(rule.over);
  if (kind === undefined) {
    return [{
      path: ["over"],
      message: `${rule.over} is no kind; there are ${[...kinds.keys()].join(", ")}`,
    }];
  }
  const columns = columnTypes(kind);
  const issues: DefinitionIssue[] = [];
  const inside = (path: readonly PropertyKey[], found: readonly DefinitionIssue[]) =>
    issues.push(...found.map((issue) => ({ path: [...path, ...issue.path], message: issue.message })));
  inside(["where"], whereIssues(rule.where, columns));
  if (rule.kind === "sequence") {
    rule.steps.forEach((step, index) => inside(["steps", index], whereIssues(step, columns)));
    inside(["without"], whereIssues(rule.without, columns));
  }
  if (rule.kind === "impossible_travel" && !(columns.of("lat") && columns.of("lon"))) {
    issues.push({ path: ["over"], message: `${rule.over} has no lat and lon` });
  }
  const note = (path: readonly PropertyKey[], message: string | null) =>
    message !== null && issues.push({ path, message });
  for (const field of rule.key ?? []) note(["key"], valueFault(field, columns));
  if (rule.kind === "threshold") note(["field"], fieldFault(rule.field, columns, "numeric"));
  if (rule.kind === "distinct") note(["field"], valueFault(rule.field, columns));
  if (rule.kind === "threshold") limitFaults(rule.limit).forEach((message) => note(["limit"], message));
  if (rule.kind === "z_score" && rule.key !== undefined && rule.key.join() !== kind.partition[0]) {
    note(["key"], `of a z_score is ${kind.partition[0]}: statistics are kept by it and the currency`);
  }
  // Events that have the first partition field are where its value is, and an event without its key is passed over.
  const [first] = kind.partition;
  if (first === undefined) {
    note(["over"], `${rule.over} has no partition field to keep a key's events together`);
  } else if (rule.key?.includes(first) === false) {
    note(["key"], `must hold the partition field of the kind, ${first}`);
  }
  return issues;
}

/** What values of a field can be told apart by. */
function valueFault(field: string, columns: ColumnTypes): string | null {
  const type = columns.of(field);
  if (type === undefined) return `${field} is no column of the kind`;
  return typeof type === "string" ? null : `${field} is a list or map`;
}

/** Currencies that nothing is ever paid in. */
function limitFaults(limit: number | Readonly<Record<string, number>>): string[] {
  if (typeof limit === "number") return [];
  return Object.keys(limit).filter((name) => name !== "default" && !isCurrency(name))
    .map((name) => `${name} is no currency`);
}
