/**
 * Fires when an event makes a key too busy: some [t, t + window) holds it and at least `count` events of the key.
 *
 *   --x---x--x-e---x-->        such a window exists when `count` neighbours, e among them, span less than the window
 *
 * Kept are the event times of the key, the latest 4 x count of them; an event is judged with the kept ones first.
 */
import { z } from "zod";
import { Duration } from "./duration.ts";
import { ForgetfulState } from "./forgetful_state.ts";
import { type RuleContext, type RuleEvaluator, ruleFields } from "./rule_fields.ts";

export const VelocityRule = z.strictObject({
  ...ruleFields,
  kind: z.literal("velocity"),
  count: z.int().min(2).max(1000),
  window: Duration,
});

const KEPT_PER_COUNT = 4;

type Times = readonly number[];

export function velocityRule(rule: z.infer<typeof VelocityRule>, context: RuleContext): RuleEvaluator {
  const window_us = rule.window * 1000;
  const most = KEPT_PER_COUNT * rule.count;
  const last = (times: Times) => times[times.length - 1] + window_us;
  const memory = new ForgetfulState<Times>(context.space(), last);
  return {
    evaluate(subject, key, { time }) {
      const before = memory.get(key);
      const times = withTime(before ?? [], subject.event_us, (time.line_us ?? -Infinity) - window_us);
      const found = busiest(times, subject.event_us, rule.count) < window_us;
      memory.put(key, times.length > most ? times.slice(times.length - most) : times, before);
      if (!found) return null;
      return {
        description: `${rule.count} or more events within ${rule.window / 1000} s`,
        context: { count: rule.count, window_ms: rule.window },
      };
    },
    // An event that is not late is at or after the line, and looks back less than a window.
    sweep: ({ line_us }) => memory.sweep(line_us ?? -Infinity),
  };
}

/** Ascending times with one more, without those up to `useless_us`: no event to come can share a window with them. */
function withTime(times: Times, event_us: number, useless_us: number): number[] {
  let from = 0;
  while (from < times.length && times[from] <= useless_us) from++;
  let at = times.length;
  while (at > from && times[at - 1] > event_us) at--;
  // Of just that length: a list that grows keeps room for more, and there are millions of them.
  const more = new Array<number>(times.length - from + 1);
  for (let i = from; i < at; i++) more[i - from] = times[i];
  more[at - from] = event_us;
  for (let i = at; i < times.length; i++) more[i - from + 1] = times[i];
  return more;
}

/** The shortest span of `count` neighbours among which the event is; infinity when there are too few. */
function busiest(times: Times, event_us: number, count: number): number {
  const at = times.lastIndexOf(event_us);
  let shortest = Infinity;
  for (let from = Math.max(0, at - count + 1); from <= at && from + count <= times.length; from++) {
    shortest = Math.min(shortest, times[from + count - 1] - times[from]);
  }
  return shortest;
}
