/**
 * The rules in force over the events of one partition: who fires, who keeps quiet, whose state lives on.
 *
 *   in force     rules/ {version, rules}                  the body of the last `rules` record, as it came
 *   history      rule/<name>/<hash of its text>           goes on as long as the text stays
 *   cool-down    quiet/<name>/<hash of its text>          by key: time of the last alert, firings held back since
 */
import { messageOf } from "../errors.ts";
import { alertId, alertRow, ALERTS } from "../alert/alert.ts";
import type { Cell } from "../event/column.ts";
import type { KindShapes } from "./column_types.ts";
import { keyCells } from "./key.ts";
import { microseconds, momentCell } from "./moment.ts";
import type { KeyedState, StateSpace, StreamOutput } from "./operator.ts";
import {
  coolDownMs,
  parseRules,
  type RuleDefinition,
  ruleEvaluator,
  ruleKey,
  type RuleSet,
} from "./rule_definition.ts";
import type { Finding, RuleEvaluator, Surroundings } from "./rule_fields.ts";
import type { KeyPlan, KeyPlans, Subject } from "./subject.ts";
import type { PartitionTime } from "./watermark.ts";
import { EVERYTHING, type Predicate, predicate } from "./where.ts";

/** A rule that threw; the row is written all the same. */
export interface RuleFailure {
  rule: string;
  message: string;
}

interface Rule {
  definition: RuleDefinition;
  evaluator: RuleEvaluator;
  where: Predicate;
  key: KeyPlan;
  cool_down_us: number;
  quiet: StateSpace<Quiet>;
  /** Firings held back since the last alert, over all keys; what `quiet` adds up to. */
  suppressed: number;
}

/** Event time of the last alert, and how many firings were held back since. */
type Quiet = readonly [last_us: number, suppressed: number];

const IN_FORCE = "rules";
const ONE = "";
const NO_RULES: RuleSet = { version: "none", rules: [] };

export interface RuleEngineOptions {
  state: KeyedState;
  partition: number;
  kinds: KindShapes;
  plans: KeyPlans;
}

export class RuleEngine {
  #set: RuleSet;
  #rules: Rule[] = [];
  #byKind = new Map<string, Rule[]>();

  constructor(private readonly options: RuleEngineOptions) {
    this.#set = options.state.space<RuleSet>(IN_FORCE).get(ONE) ?? NO_RULES;
    // A kind of ours may be gone since the rules were taken over; the others go on.
    this.#enforce(parseRules(this.#set.rules, options.kinds).definitions);
  }

  /** Rules in force, disabled ones too. */
  get inForce(): RuleSet {
    return this.#set;
  }

  /** Takes the body of a `rules` record over, or says why not. Rules whose own text stays keep their state. */
  replace(body: unknown): string | null {
    if (!isRuleSet(body)) return "the body is not {version, rules: [...]}";
    const { definitions, issues } = parseRules(body.rules, this.options.kinds);
    if (issues.length > 0) {
      return issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ");
    }
    const { state } = this.options;
    const kept = new Set(definitions.filter(isEnabled).map(spaceName));
    for (const { definition, quiet } of this.#rules) {
      if (kept.has(spaceName(definition))) continue;
      state.release(historySpace(definition));
      quiet.clear();
    }
    this.#set = { version: body.version, rules: body.rules };
    state.space<RuleSet>(IN_FORCE).put(ONE, this.#set);
    this.#enforce(definitions, this.#rules);
    return null;
  }

  /** Evaluates all rules at an event that is not late. */
  evaluate(subject: Subject, around: Surroundings, out: StreamOutput[], failures: RuleFailure[]): void {
    const rules = this.#byKind.get(subject.event.kind);
    if (rules === undefined) return;
    for (const rule of rules) {
      try {
        this.#evaluateOne(rule, subject, around, out);
      } catch (thrown) {
        failures.push({
          rule: rule.definition.name,
          message: messageOf(thrown),
        });
      }
    }
  }

  sweep(time: PartitionTime): void {
    for (const { evaluator } of this.#rules) evaluator.sweep?.(time);
  }

  /** Firings held back since the last alert, by rule, over all keys. */
  suppressed(): Record<string, number> {
    return Object.fromEntries(this.#rules.map(({ definition, suppressed }) => [definition.name, suppressed]));
  }

  #enforce(definitions: readonly RuleDefinition[], before: readonly Rule[] = []): void {
    const known = new Map(before.map((rule) => [spaceName(rule.definition), rule]));
    this.#rules = definitions.filter(isEnabled).map((one) => known.get(spaceName(one)) ?? this.#rule(one));
    this.#byKind = Map.groupBy(this.#rules, ({ definition }) => definition.over);
  }

  #rule(definition: RuleDefinition): Rule {
    const { state, plans, kinds } = this.options;
    const key = plans.of(ruleKey(definition, kinds.get(definition.over)!));
    const quiet = state.space<Quiet>(`quiet/${spaceName(definition)}`);
    let suppressed = 0;
    for (const [, [, count]] of quiet.entries()) suppressed += count;
    return {
      definition,
      evaluator: ruleEvaluator(definition, {
        space: () => state.space(historySpace(definition), key.family),
      }),
      where: predicate(definition.where),
      key,
      cool_down_us: coolDownMs(definition) * 1000,
      quiet,
      suppressed,
    };
  }

  #evaluateOne(rule: Rule, subject: Subject, around: Surroundings, out: StreamOutput[]): void {
    const { row } = subject;
    if (rule.where !== EVERYTHING && !rule.where(row)) return;
    for (const column of rule.key.columns) if ((row[column] ?? null) === null) return;
    const key = subject.key(rule.key);
    const finding = rule.evaluator.evaluate(subject, key, around);
    if (finding === null) return;
    const quiet = rule.quiet.get(key);
    if (quiet !== undefined && Math.abs(subject.event_us - quiet[0]) < rule.cool_down_us) {
      rule.quiet.put(key, [quiet[0], quiet[1] + 1]);
      rule.suppressed++;
      return;
    }
    rule.quiet.put(key, [subject.event_us, 0]);
    rule.suppressed -= quiet?.[1] ?? 0;
    out.push(this.#alert(rule, finding, subject, key, { around, suppressed: quiet?.[1] ?? 0 }));
  }

  #alert(
    { definition, key: plan }: Rule,
    finding: Finding,
    { event, row, event_us }: Subject,
    key: string,
    { around, suppressed }: { around: Surroundings; suppressed: number },
  ): StreamOutput {
    const shownKey = keyCells(key, plan.columns.length).join(":");
    const text = (column: string) => typeof row[column] === "string" ? row[column] : null;
    const context = {
      amount: amountOf(row.amount),
      currency: text("currency"),
      z_score: around.standing?.z_score ?? null,
      ...finding.context,
      suppressed,
    };
    const alert = alertRow({
      rule: definition.name,
      rule_version: this.#set.version,
      severity: finding.severity ?? definition.severity,
      key: shownKey,
      user_id: text("user_id"),
      source: event.source,
      event_id: event.event_id,
      log_partition: event.partition,
      log_offset: event.offset,
      event_time: momentCell(event_us),
      detected_at: momentCell(microseconds(event.received_at)),
      description: finding.description,
      trigger_event_ids: [...finding.earlier_event_ids ?? [], event.event_id],
      context,
    });
    const id = alertId(definition.name, shownKey, event.source, event.event_id);
    return { table: ALERTS, row: alert, topic: "alerts", id };
  }
}

function isRuleSet(body: unknown): body is RuleSet {
  return typeof body === "object" && body !== null && "version" in body && typeof body.version === "string" &&
    "rules" in body && Array.isArray(body.rules);
}

function isEnabled(rule: RuleDefinition): boolean {
  return rule.enabled;
}

function spaceName({ name, version }: RuleDefinition): string {
  return `${name}/${version}`;
}

function historySpace(definition: RuleDefinition): string {
  return `rule/${spaceName(definition)}`;
}

/** Null for what is no amount: a kind of one's own may call anything so, and the column is a decimal(18, 4). */
export function amountOf(cell: Cell | undefined): string | null {
  return typeof cell === "string" && /^-?\d{1,14}(\.\d{1,4})?$/.test(cell) ? cell : null;
}
