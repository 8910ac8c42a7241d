/**
 * Fraud, as bursts of transactions with their labels. A label names each rule that the burst truly fits: five payments
 * in ten seconds are also five in a minute. What must not be there (a benign event that a rule takes for the burst's
 * echo) is part of the pattern too: the owner of a cloned card is seen at home again, the thief of many shops stays with one.
 *
 *   travel       home ── far ── far ── home            diversity   s1 s2 s3 s4 s5 s6 s7 s8 s8 s8 s8 s8 s8
 */
import { amountText, CITIES, CURRENCIES, distanceKm } from "./city.ts";
import { type Customer, merchantOf } from "./customer.ts";
import { type Body, type Ids, timeText } from "./generated.ts";
import type { Wanted } from "./population.ts";
import { placeIn, purchase, usualAmount } from "./purchase.ts";
import type { Random } from "./random.ts";

export type PatternName = keyof typeof PATTERNS;

export interface PlannedEvent {
  time_ms: number;
  body: Body;
  rules: readonly string[];
}

export interface PlanContext {
  random: Random;
  ids: Ids;
  merchants: number;
  customer: Customer;
  /** Purchases of the customer so far; goes up with each event. */
  count: number;
  start_ms: number;
}

interface Pattern {
  wanted: Wanted;
  /** Whether it makes the victim's later amounts look different. */
  tampers: boolean;
  plan(context: PlanContext): PlannedEvent[];
}

const MINUTE_MS = 60_000;
const ANYONE: Wanted = { established: false, groups: [0, 1, 2, 3] };
const FAR_KM = 1500;

export const PATTERNS = {
  high_value: {
    wanted: { established: true, groups: [0] },
    tampers: true,
    plan(context) {
      const { customer, random } = context;
      const amount = CURRENCIES[customer.currency].large * random.between(1.05, 1.8);
      return [event(context, 0, { amount }, ["high_value_transaction", "amount_anomaly"])];
    },
  },
  card_testing: {
    wanted: { established: true, groups: [1] },
    tampers: true,
    plan(context) {
      const { customer, random } = context;
      const merchant = merchantOf(random.below(context.merchants));
      const failed = { ...merchant, status: "failed" };
      const amount = Math.max(random.between(1100, 2500), farFromUsual(customer, random));
      return [
        event(context, 0, failed, ["card_testing"]),
        event(context, random.between(15_000, 60_000), failed, ["card_testing"]),
        event(context, random.between(80_000, 200_000), { ...merchant, status: "completed", amount }, [
          "card_testing",
          "amount_anomaly",
        ]),
      ];
    },
  },
  amount_anomaly: {
    wanted: { established: true, groups: [2, 3] },
    tampers: true,
    plan: (context) => [
      event(context, 0, { amount: farFromUsual(context.customer, context.random) }, ["amount_anomaly"]),
    ],
  },
  rapid_activity: {
    wanted: ANYONE,
    tampers: false,
    plan: (context) => run(context, { count: [6, 8], gap_ms: [4000, 8000] }, ["rapid_activity"]),
  },
  rapid_fire: {
    wanted: ANYONE,
    tampers: false,
    plan: (context) =>
      run(context, { count: [6, 10], gap_ms: [300, 1500] }, ["rapid_fire_burst", "rapid_activity"]),
  },
  spike: {
    wanted: ANYONE,
    tampers: false,
    plan: (context) => run(context, { count: [32, 38], gap_ms: [70_000, 100_000] }, ["velocity_spike"]),
  },
  travel: {
    wanted: ANYONE,
    tampers: false,
    plan: travel,
  },
  diversity: {
    wanted: ANYONE,
    tampers: false,
    plan: diversity,
  },
  night: {
    wanted: ANYONE,
    tampers: false,
    plan: (context) => run(context, { count: [1, 3], gap_ms: [3 * MINUTE_MS, 8 * MINUTE_MS] }, []),
  },
} satisfies Record<string, Pattern>;

/** Half-open, in UTC: when the shipped rule takes everybody to be asleep. */
export function isQuiet(time_ms: number): boolean {
  const hour = Math.floor(time_ms / 3_600_000) % 24;
  return hour >= 1 && hour < 5;
}

/** A few times what is usual, yet not so much that it is much money for anybody. */
function farFromUsual({ median, currency }: Customer, random: Random): number {
  return Math.min(median * random.between(7, 14), CURRENCIES[currency].large * random.between(0.7, 0.85));
}

/** Payments to one merchant, one soon after the other. */
function run(
  context: PlanContext,
  { count, gap_ms }: { count: [number, number]; gap_ms: [number, number] },
  rules: readonly string[],
): PlannedEvent[] {
  const { random } = context;
  const merchant = merchantOf(random.below(context.merchants));
  const events: PlannedEvent[] = [];
  let after_ms = 0;
  for (let left = random.whole(...count); left > 0; left--) {
    events.push(event(context, after_ms, merchant, rules));
    after_ms += random.between(...gap_ms);
  }
  return events;
}

function travel(context: PlanContext): PlannedEvent[] {
  const { customer: { home }, random } = context;
  const far = random.pick(CITIES.filter((city) => distanceKm(city, home) > FAR_KM));
  const rules = ["impossible_travel"];
  const at = () => ({ ...placeIn(home, random) });
  const away = () => ({ ...placeIn(far, random), country: far.country, is_international: true });
  let after_ms = 0;
  return [at(), away(), away(), at()].map((changes) => {
    const planned = event(context, after_ms, changes, rules);
    after_ms += random.between(3, 20) * MINUTE_MS;
    return planned;
  });
}

const SHOPS = 9;
const STAYS = 5;

function diversity(context: PlanContext): PlannedEvent[] {
  const { random } = context;
  const shops = new Set<number>();
  while (shops.size < Math.min(SHOPS, context.merchants)) shops.add(random.below(context.merchants));
  const visited = [...shops];
  let after_ms = 0;
  return [...visited, ...new Array<number>(STAYS).fill(visited[visited.length - 1])].map((shop) => {
    const planned = event(context, after_ms, merchantOf(shop), ["merchant_diversity_spike"]);
    after_ms += random.between(18_000, 40_000);
    return planned;
  });
}

interface Changes {
  amount?: number;
  [field: string]: unknown;
}

/** A purchase of the victim, online unless the changes say where, with the rules that a quiet hour adds. */
function event(
  context: PlanContext,
  after_ms: number,
  changes: Changes,
  rules: readonly string[],
): PlannedEvent {
  const { customer, ids, start_ms } = context;
  const time_ms = Math.round(start_ms + after_ms);
  const count = context.count++;
  const occasion = { event_id: ids.next("evt"), transaction_id: ids.next("txn"), time_ms, count };
  const { lat: _lat, lon: _lon, ...usual } = purchase(customer, occasion, context);
  const amount = amountText(changes.amount ?? usualAmount(customer, count), customer.currency);
  const body = { ...usual, timestamp: timeText(time_ms), status: "completed", ...changes, amount };
  return { time_ms, body, rules: isQuiet(time_ms) ? [...rules, "unusual_hour"] : rules };
}
