/**
 * Transactions as ordinary people make them. Amounts are log-normal per customer, cut at 1.7 deviations: people stay
 * within their means, and whoever does not is one of the patterns of fraud_pattern.ts.
 */
import { amountText, type City } from "./city.ts";
import { type Customer, merchantOf } from "./customer.ts";
import { type Body, timeText } from "./generated.ts";
import type { Random } from "./random.ts";

const CUT = 1.7;
/** How far from the middle of their city people shop, in degrees; no two such places are 50 km apart. */
const AROUND_DEGREES = 0.08;
const ONLINE_SHARE = 0.35;
/** Purchases outside the shops that a customer usually goes to. */
const STRAY_SHARE = 0.06;

const STATUSES = { completed: 86, approved: 6, pending: 4, failed: 2, declined: 2 };
const TYPES = { purchase: 88, withdrawal: 4, transfer: 3, debit: 3, credit: 2 };
const METHODS = { card: 60, wallet: 20, bank_transfer: 10, direct_debit: 6, cash_on_delivery: 4 };

export interface Occasion {
  event_id: string;
  transaction_id: string;
  time_ms: number;
}

export function usualAmount(customer: Customer, random: Random): number {
  return customer.median * Math.exp(customer.sigma * random.cutNormal(CUT));
}

/** A purchase without anything odd about it, somewhere in town or online. */
export function purchase(
  customer: Customer,
  { event_id, transaction_id, time_ms }: Occasion,
  { random, merchants }: { random: Random; merchants: number },
): Body {
  const merchant = random.chance(STRAY_SHARE) ? random.below(merchants) : random.pick(customer.favourites);
  const text = amountText(usualAmount(customer, random), customer.currency);
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
