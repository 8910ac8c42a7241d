/** Fires at amounts far from what this user spends in this currency. */
import { z } from "zod";
import { type RuleEvaluator, ruleFields, SeverityName } from "./rule_fields.ts";

export const ZScoreRule = z.strictObject({
  ...ruleFields,
  kind: z.literal("z_score"),
  over: z.literal("transaction").default("transaction"),
  /** Deviations from the mean. */
  limit: z.number().positive(),
  /** Earlier transactions of the user in the currency, at least. */
  min_history: z.int().min(2).default(10),
  /** A higher severity for what is further away. */
  escalate: z.strictObject({ above: z.number().positive(), severity: SeverityName }).optional(),
});

export function zScoreRule(rule: z.infer<typeof ZScoreRule>): RuleEvaluator {
  return {
    evaluate(_subject, _key, { standing }) {
      if (standing === null || standing.z_score === null || standing.user_txn_count < rule.min_history) {
        return null;
      }
      const { z_score, user_running_mean: mean, user_txn_count } = standing;
      const size = Math.abs(z_score);
      if (!(size > rule.limit)) return null;
      const isHigher = rule.escalate !== undefined && size > rule.escalate.above;
      return {
        description: `${size.toFixed(1)} deviations from the mean of ${user_txn_count} earlier transactions`,
        context: { z_score, mean, limit: rule.limit, count: user_txn_count },
        severity: isHigher ? rule.escalate!.severity : rule.severity,
      };
    },
  };
}
