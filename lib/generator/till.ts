/** Who buys next: regular customers, at night a few of them over and over, and new ones who sometimes bring it back. */
import { customerOf } from "./customer.ts";
import { isQuiet } from "./fraud_pattern.ts";
import { type Body, type Ids, timeText } from "./generated.ts";
import type { GeneratorConfig } from "./generator_file.ts";
import { GAP_MS, type Population } from "./population.ts";
import { purchase } from "./purchase.ts";
import type { Random } from "./random.ts";

export interface Payment {
  transaction_id: string;
  user_id: string;
  status: string;
}

export interface Sale {
  event_id: string;
  /** When it is told. */
  now_ms: number;
  /** When it happened. */
  time_ms: number;
}

export interface TillParts {
  random: Random;
  ids: Ids;
  population: Population;
  /** A refund that will come. */
  refund(time_ms: number, body: Body): void;
}

const MINUTE_MS = 60_000;
const REFUND_SHARE = 0.3;
/** Events told later than this are not counted by anybody. */
const LATE_MS = 60 * MINUTE_MS;
/** People enough for nobody to buy more often than this, on average. */
const SECONDS_BETWEEN_PURCHASES = 240;
const MOST_PEOPLE = 5_000_000;
/** How many more are awake at night than could buy without a pause. */
const NIGHT_ROOM = 1.3;
const FEWEST_AT_NIGHT = 3;

/** How many customers a rate needs. */
export function peopleFor(config: GeneratorConfig, events_per_second: number): number {
  const needed = Math.ceil(purchasesPerSecond(config, events_per_second, 1) * SECONDS_BETWEEN_PURCHASES);
  return Math.min(MOST_PEOPLE, Math.max(config.users, needed));
}

/** `awake` is the part of the weight of transactions that is left. */
function purchasesPerSecond({ weights }: GeneratorConfig, events_per_second: number, awake: number): number {
  const others = Object.values(weights).reduce((sum, weight) => sum + weight, 0) - weights.transaction;
  const own = weights.transaction * awake;
  return own === 0 ? 0 : events_per_second * own / (own + others);
}

export class Till {
  constructor(private readonly parts: TillParts) {}

  sell(sale: Sale, config: GeneratorConfig, events_per_second: number): { body: Body; payment: Payment } {
    const { random, population, ids } = this.parts;
    const { event_id, now_ms, time_ms } = sale;
    const transaction_id = ids.next("txn");
    const number = random.chance(config.guest_share)
      ? null
      : population.shopper(random, now_ms, crowd(now_ms, config, events_per_second));
    const customer = customerOf(number ?? random.bits(), config.merchants);
    const count = number === null ? random.below(1000) : population.purchases(number);
    const usual = purchase(customer, { event_id, transaction_id, time_ms, count }, { random, ...config });
    if (number !== null && now_ms - time_ms < LATE_MS) population.bought(number, now_ms);
    const body = number === null ? this.#guest(usual, time_ms) : usual;
    return { body, payment: { transaction_id, user_id: String(body.user_id), status: String(body.status) } };
  }

  /** A new customer, who buys once and may bring it back. */
  #guest(usual: Body, bought_ms: number): Body {
    const { random, ids, refund } = this.parts;
    const body: Body = { ...usual, user_id: ids.next("guest"), status: "completed" };
    if (!random.chance(REFUND_SHARE)) return body;
    const time_ms = Math.round(bought_ms + random.between(2, 40) * MINUTE_MS);
    refund(time_ms, {
      ...body,
      event_id: ids.next("evt"),
      timestamp: timeText(time_ms),
      amount: `-${body.amount}`,
      status: "refunded",
      transaction_type: "refund",
    });
    return body;
  }
}

/** From whom the next customer comes: those who are awake. */
function crowd(now_ms: number, config: GeneratorConfig, events_per_second: number): number {
  if (!isQuiet(now_ms)) return Infinity;
  const per_second = purchasesPerSecond(config, events_per_second, config.night_share);
  return Math.max(FEWEST_AT_NIGHT, Math.ceil(per_second * GAP_MS / 1000 * NIGHT_ROOM));
}
