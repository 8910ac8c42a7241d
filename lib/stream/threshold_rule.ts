/** Fires at every event whose amount is beyond a limit, which may depend on the currency. */
import { z } from "zod";
import { Field, type RuleEvaluator, ruleFields } from "./rule_fields.ts";

export const ThresholdRule = z.strictObject({
  ...ruleFields,
  kind: z.literal("threshold"),
  /** By currency, with `default` for the others; or one number for all. */
  limit: z.union([
    z.number().positive(),
    z.record(z.string(), z.number().positive()).refine((limits) => "default" in limits, {
      message: "lacks a default",
    }),
  ]),
  field: Field.default("amount"),
});

export function thresholdRule(rule: z.infer<typeof ThresholdRule>): RuleEvaluator {
  const limits = new Map(
    Object.entries(typeof rule.limit === "number" ? { default: rule.limit } : rule.limit),
  );
  const fallback = limits.get("default")!;
  return {
    evaluate(subject) {
      const cell = subject.row[rule.field] ?? null;
      if (cell === null) return null;
      const currency = String(subject.row.currency ?? "");
      const limit = limits.get(currency) ?? fallback;
      if (!(Math.abs(Number(cell)) > limit)) return null;
      const unit = currency === "" ? "" : ` ${currency}`;
      return {
        description: `${rule.field} ${cell}${unit} is beyond ${limit}${unit}`,
        context: { limit },
      };
    },
  };
}
