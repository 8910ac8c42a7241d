/**
 * Transactions as ordinary people make them. Amounts are log-normal per customer, within 1.9 deviations of the middle, and
 * evenly so: a customer's purchases go through the distribution by the golden section, as a household's weeks repeat
 * with small, middling and large baskets. Whoever spends otherwise is one of the patterns of fraud_pattern.ts.
 */
import { amountText, type City } from "./city.ts";
import { type Customer, merchantOf } from "./customer.ts";
import { type Body, timeText } from "./generated.ts";
import { normalQuantile } from "./normal.ts";
import type { Random } from "./random.ts";

/** What of the distribution lies beyond 1.9 deviations on one side. */
const TAIL = 0.0287;
const GOLDEN_SECTION = 0.6180339887498949;
/** How far from the middle of their city people shop, in degrees; no two such places are 50 km apart. */
const AROUND_DEGREES = 0.08;
const ONLINE_SHARE = 0.35;
/** Purchases outside the shops that a customer usually goes to. */
const STRAY_SHARE = 0.02;

const STATUSES = { completed: 86, approved: 6, pending: 4, failed: 2, declined: 2 };
const TYPES = { purchase: 88, withdrawal: 4, transfer: 3, debit: 3, credit: 2 };
const METHODS = { card: 60, wallet: 20, bank_transfer: 10, direct_debit: 6, cash_on_delivery: 4 };

export interface Occasion {
  event_id: string;
  transaction_id: string;
  time_ms: number;
  /** Purchases of this customer before it. */
  count: number;
}

/** What the customer's purchase number `count` costs. */
export function usualAmount({ median, sigma, phase }: Customer, count: number): number {
  const place = (phase + count * GOLDEN_SECTION) % 1;
  return median * Math.exp(sigma * normalQuantile(TAIL + (1 - 2 * TAIL) * place));
}

/** A purchase without anything odd about it, somewhere in town or online. */
export function purchase(
  customer: Customer,
  { event_id, transaction_id, time_ms, count }: Occasion,
  { random, merchants }: { random: Random; merchants: number },
): Body {
  const merchant = random.chance(STRAY_SHARE) ? random.below(merchants) : random.pick(customer.favourites);
  const text = amountText(usualAmount(customer, count), customer.currency);
  return {
    event_id,
    timestamp: random.chance(0.2) ? time_ms : timeText(time_ms),
    user_id: customer.user_id,
    // Senders differ: some write money as text, some as a number.
    amount: random.chance(0.5) ? text : Number(text),
    currency: customer.currency,
    status: random.weighted(STATUSES),
    transaction_id,
    transaction_type: random.weighted(TYPES),
    ...merchantOf(merchant),
    payment_method: random.weighted(METHODS),
    country: customer.home.country,
    ...(random.chance(ONLINE_SHARE) ? {} : placeIn(customer.home, random)),
    device_id: customer.device_id,
    ip: customer.ip,
    is_international: false,
  };
}

/** A place in a city, to about ten metres. */
export function placeIn(city: City, random: Random): { lat: number; lon: number } {
  const around = () => random.between(-AROUND_DEGREES, AROUND_DEGREES);
  return { lat: rounded(city.lat + around()), lon: rounded(city.lon + around()) };
}

function rounded(degrees: number): number {
  return Math.round(degrees * 10_000) / 10_000;
}
