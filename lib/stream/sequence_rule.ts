/**
 * Fires at an event that ends a pattern: it matches the last step, and earlier events of the key match the others, with
 * event times in order, all within a length of time, and no unwanted event in between.
 *
 *   --f---f--x--f----C-->      f, f, C within 5 min; an unwanted x between the first f and C forbids that first f
 *
 * The search goes backwards from the event and takes the latest match of each step: no other choice spans less, so if
 * any pattern is short and clean enough, this one is. Events of one time stand in the order of the log.
 */
import { z } from "zod";
import { Duration } from "./duration.ts";
import { ForgetfulState } from "./forgetful_state.ts";
import { DAY_US } from "./moment.ts";
import { type RuleContext, type RuleEvaluator, ruleFields } from "./rule_fields.ts";
import { backwards, type History, latestTime, withItem, withoutOlder } from "./sorted_history.ts";
import { predicate, Where } from "./where.ts";

export const SequenceRule = z.strictObject({
  ...ruleFields,
  kind: z.literal("sequence"),
  steps: z.array(Where).min(2).max(16),
  within: Duration.refine((ms) => ms <= DAY_US / 1000, { message: "is longer than what is remembered, 1 d" }),
  without: Where.optional(),
});

/** `marks`: bit i for step i, and the highest bit for an unwanted event. */
type Step = readonly [time_us: number, marks: number, event_id: string];

export function sequenceRule(rule: z.infer<typeof SequenceRule>, context: RuleContext): RuleEvaluator {
  const within_us = rule.within * 1000;
  const tests = [...rule.steps, ...(rule.without === undefined ? [] : [rule.without])].map(predicate);
  const last = rule.steps.length - 1;
  const unwanted = rule.without === undefined ? 0 : 1 << rule.steps.length;
  const useless = (history: History<Step>) => latestTime(history) + within_us;
  const memory = new ForgetfulState<History<Step>>(context.space(), useless);

  /** Event ids of the steps before the last, oldest first; null when there is no such pattern. */
  function found(history: History<Step>, end_us: number, forgotten_us: number): string[] | null {
    const ids: string[] = [];
    let step = last - 1;
    for (const [time_us, marks, event_id] of backwards(history)) {
      if (time_us > end_us) continue;
      if (end_us - time_us >= within_us || time_us < forgotten_us) return null;
      const matches = (marks & 1 << step) !== 0;
      if (matches) ids.unshift(event_id);
      if (matches && step === 0) return ids;
      // Whatever comes first comes before it, so it is in between.
      if ((marks & unwanted) !== 0) return null;
      if (matches) step--;
    }
    return null;
  }

  return {
    evaluate(subject, key, { time }) {
      let marks = 0;
      tests.forEach((test, index) => marks |= test(subject.row) ? 1 << index : 0);
      if (marks === 0) return null;
      const { event_us, event: { event_id } } = subject;
      const before = memory.get(key);
      const history = before ?? [];
      const isLast = (marks & 1 << last) !== 0;
      const ids = isLast ? found(history, event_us, (time.watermark_us ?? -Infinity) - DAY_US) : null;
      const needed_us = (time.line_us ?? -Infinity) - within_us;
      memory.put(key, withItem(withoutOlder(history, needed_us), [event_us, marks, event_id]), before);
      if (ids === null) return null;
      return {
        description: `${rule.steps.length} steps within ${rule.within / 1000} s`,
        earlier_event_ids: ids,
        context: { count: rule.steps.length, window_ms: rule.within },
      };
    },
    // An event at or after the line looks back less than `within`.
    sweep: ({ line_us }) => memory.sweep(line_us ?? -Infinity),
  };
}
