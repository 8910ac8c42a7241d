/**
 * The people, shops and goods of the demo. Each is a function of its number alone, so that a program started again meets
 * the same people in the same cities, whatever its seed.
 */
import { CITIES, type City, CURRENCIES, type Currency } from "./city.ts";
import { Random } from "./random.ts";

export interface Customer {
  number: number;
  user_id: string;
  home: City;
  currency: Currency;
  /** What a purchase costs in the middle, and the spread of its logarithm. */
  median: number;
  sigma: number;
  /** Where among its usual amounts a customer begins, from 0 to 1. */
  phase: number;
  /** Numbers of the shops that this customer goes to. */
  favourites: readonly number[];
  device_id: string;
  ip: string;
  agent: string;
}

export type Merchant = Readonly<Record<"merchant_id" | "merchant_name" | "merchant_category", string>>;

export interface Product {
  product_id: string;
  product_category: string;
  price_cents: number;
}

const FAVOURITES = 4;

const AGENTS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
  "Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
];

export function customerOf(number: number, merchants: number): Customer {
  const random = new Random(`customer ${number}`);
  const home = random.pick(CITIES);
  const median = Math.exp(random.between(Math.log(8), Math.log(120))) * CURRENCIES[home.currency].per_usd;
  return {
    number,
    user_id: `user_${String(number).padStart(5, "0")}`,
    home,
    currency: home.currency,
    median,
    sigma: random.between(0.12, 0.28),
    phase: random.next(),
    favourites: Array.from({ length: FAVOURITES }, () => random.below(merchants)),
    device_id: `device_${random.bits().toString(16).padStart(8, "0")}`,
    // 198.18.0.0/15 is set aside for trials.
    ip: `198.${18 + random.below(2)}.${random.below(256)}.${random.whole(1, 254)}`,
    agent: random.pick(AGENTS),
  };
}

const TRADES: readonly [category: string, names: readonly string[]][] = [
  ["groceries", ["Corner Market", "Green Basket", "Daily Fresh", "Harvest Hall"]],
  ["restaurants", ["Blue Plate", "Noodle Bar", "Trattoria Uno", "The Copper Pot"]],
  ["electronics", ["Volt Store", "Pixel Point", "Circuit House", "Byte Depot"]],
  ["clothing", ["Thread & Co", "North Coat", "Linen Lane", "Denim Works"]],
  ["travel", ["Skyline Travel", "Harbor Rail", "City Wheels", "Inn Finder"]],
  ["books", ["Paper Trail", "Second Chapter", "The Reading Room", "Ink & Page"]],
  ["pharmacy", ["Wellspring", "Apothek", "Good Health", "Care Corner"]],
  ["fuel", ["Roadside", "Fast Fuel", "Station One", "Highway Stop"]],
];

export function merchantOf(number: number): Merchant {
  const [category, names] = TRADES[number % TRADES.length];
  const name = names[Math.floor(number / TRADES.length) % names.length];
  const branch = Math.floor(number / (TRADES.length * 4)) + 1;
  return {
    merchant_id: `merchant_${String(number).padStart(4, "0")}`,
    merchant_name: branch === 1 ? name : `${name} ${branch}`,
    merchant_category: category,
  };
}

const SHELVES = ["books", "electronics", "clothing", "home", "toys", "garden", "sports", "beauty"] as const;

export function productOf(number: number): Product {
  const random = new Random(`product ${number}`);
  return {
    product_id: `product_${String(number).padStart(4, "0")}`,
    product_category: SHELVES[number % SHELVES.length],
    price_cents: Math.round(Math.exp(random.between(Math.log(400), Math.log(25_000)))),
  };
}
