/**
 * Count, mean and spread of the amounts of one (user_id, currency), by Welford's recurrence.
 *
 * The recurrence runs on the distance from the first amount, taken exactly from the decimals: amounts of a billion that
 * differ by cents would otherwise lose their spread to rounding. What a row is told is of the rows before it.
 */
import { difference, type Scaled, toNumber } from "./decimal.ts";

/** Count, first amount (high, low), mean distance from it, sum of squared distances from the mean. */
export type Statistics = readonly [count: number, high: number, low: number, mean: number, m2: number];

/** What a transaction's row says of those before it. */
export interface Standing {
  readonly user_txn_count: number;
  readonly user_running_mean: number | null;
  readonly z_score: number | null;
  readonly is_anomaly: boolean;
}

const SMALLEST_DEVIATION = 0.1;
const ANOMALY_AFTER = 10;
const ANOMALY_ABOVE = 3;

/** Before the first row. */
export const NO_STANDING: Standing = {
  user_txn_count: 0,
  user_running_mean: null,
  z_score: null,
  is_anomaly: false,
};

/** How `amount` stands among the rows counted so far. */
export function standing(statistics: Statistics | undefined, amount: Scaled): Standing {
  if (statistics === undefined) return NO_STANDING;
  const [count, high, low, mean] = statistics;
  const first = { high, low };
  const z_score = count < 2 ? null : (difference(amount, first) - mean) / deviation(statistics) + 0;
  return {
    user_txn_count: count,
    user_running_mean: toNumber(first) + mean,
    z_score,
    is_anomaly: z_score !== null && count >= ANOMALY_AFTER && Math.abs(z_score) > ANOMALY_ABOVE,
  };
}

/** Sample standard deviation, never below 0.1; of at least two. */
export function deviation([count, , , , m2]: Statistics): number {
  return Math.max(Math.sqrt(m2 / (count - 1)), SMALLEST_DEVIATION);
}

/** The statistics with one amount more. */
export function counted(statistics: Statistics | undefined, amount: Scaled): Statistics {
  if (statistics === undefined) return [1, amount.high, amount.low, 0, 0];
  const [count, high, low, mean, m2] = statistics;
  const x = difference(amount, { high, low });
  const delta = x - mean;
  const next_mean = mean + delta / (count + 1);
  return [count + 1, high, low, next_mean, m2 + delta * (x - next_mean)];
}
