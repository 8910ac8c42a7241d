/** Fires when the last few events of a key, in log order, hold many different values of a field. */
import { z } from "zod";
import { ForgetfulState } from "./forgetful_state.ts";
import { keyPart } from "./key.ts";
import { DAY_US } from "./moment.ts";
import { Field, type RuleContext, type RuleEvaluator, ruleFields } from "./rule_fields.ts";

export const DistinctRule = z.strictObject({
  ...ruleFields,
  kind: z.literal("distinct"),
  field: Field,
  /** Different values, at least. */
  count: z.int().min(2).max(1000),
  /** Events that have the field, the present one included. */
  among: z.int().min(2).max(1000),
}).refine(({ count, among }) => count <= among, { message: "is more than among", path: ["count"] });

/** [time, value, time, value, ...] in log order. */
type Recent = readonly (number | string)[];

const WIDTH = 2;

export function distinctRule(rule: z.infer<typeof DistinctRule>, context: RuleContext): RuleEvaluator {
  const memory = new ForgetfulState<Recent>(
    context.space(),
    (recent) => latest(recent) + DAY_US + 1,
  );
  return {
    evaluate(subject, key, { time }) {
      const cell = subject.row[rule.field] ?? null;
      if (cell === null) return null;
      const value = keyPart(cell);
      const before = memory.get(key);
      const remembered = withoutForgotten(before ?? [], (time.watermark_us ?? -Infinity) - DAY_US);
      const recent = remembered.slice(-(rule.among - 1) * WIDTH).concat(subject.event_us, value);
      const count = valuesIn(recent);
      memory.put(key, recent, before);
      if (count < rule.count) return null;
      const events = recent.length / WIDTH;
      return {
        description: `${count} different values of ${rule.field} in the last ${events} events`,
        context: { count, field: rule.field, limit: rule.count },
      };
    },
    sweep: ({ watermark_us }) => memory.sweep(watermark_us ?? -Infinity),
  };
}

function withoutForgotten(recent: Recent, forgotten_us: number): Recent {
  for (let at = 0; at < recent.length; at += WIDTH) {
    if ((recent[at] as number) >= forgotten_us) continue;
    return recent.filter((_, i) => (recent[i - i % WIDTH] as number) >= forgotten_us);
  }
  return recent;
}

function valuesIn(recent: Recent): number {
  let count = 0;
  for (let at = 1; at < recent.length; at += WIDTH) {
    let earlier = 1;
    while (earlier < at && recent[earlier] !== recent[at]) earlier += WIDTH;
    if (earlier === at) count++;
  }
  return count;
}

function latest(recent: Recent): number {
  let latest = -Infinity;
  for (let at = 0; at < recent.length; at += WIDTH) latest = Math.max(latest, recent[at] as number);
  return latest;
}
