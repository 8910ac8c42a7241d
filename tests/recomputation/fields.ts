/**
 * What EVENTS.md says of fields, written a second time and as plainly as it goes: a table of kinds, and a check of one
 * value by its type. Nothing is shared with the program; numbers are taken from their source text.
 */

/** A JSON number as it was written. */
export class Num {
  constructor(readonly text: string) {}

  get value(): number {
    return Number(this.text);
  }

  /** Sign and digits times a power of ten, without zeros at either end. */
  get exact(): { digits: bigint; exponent: number } {
    const [mantissa, power = "0"] = this.text.toLowerCase().split("e");
    const [whole, fraction = ""] = mantissa.split(".");
    let digits = BigInt(whole + fraction);
    let exponent = Number(power) - fraction.length;
    if (digits === 0n) return { digits, exponent: 0 };
    for (; digits % 10n === 0n; digits /= 10n) exponent++;
    return { digits, exponent };
  }

  get isWhole(): boolean {
    return this.exact.exponent >= 0;
  }
}

export type Json = null | boolean | string | Num | Json[] | { [key: string]: Json };
export type Cell = null | boolean | string | number;

export interface Check {
  cell: Cell;
  code: string | null;
}

const good = (cell: Cell): Check => ({ cell, code: null });
const bad = (code: string): Check => ({ cell: null, code });

type FieldCheck = (value: Json) => Check;

const id: FieldCheck = (value) => {
  if (typeof value !== "string") return bad("invalid_type");
  const { length } = Array.from(value);
  return length >= 1 && length <= 200 ? good(value) : bad("invalid_format");
};

const text: FieldCheck = (value) => typeof value === "string" ? good(value) : bad("invalid_type");

const query: FieldCheck = (value) =>
  typeof value === "string" ? good(value.trim().toLowerCase()) : bad("invalid_type");

const oneOf = (words: string): FieldCheck => (value) => {
  if (typeof value !== "string") return bad("invalid_type");
  return words.split(" ").includes(value) ? good(value) : bad("invalid_enum");
};

const flag: FieldCheck = (value) => typeof value === "boolean" ? good(value) : bad("invalid_type");

const country: FieldCheck = (value) => {
  if (typeof value !== "string") return bad("invalid_type");
  return /^[a-z]{2}$/i.test(value) ? good(value.toUpperCase()) : bad("invalid_format");
};

/** Enough for what the tests send: what the runtime knows of currencies, less what is no longer one. */
const CURRENCIES = new Set(Intl.supportedValuesOf("currency"));

const currency: FieldCheck = (value) => {
  if (typeof value !== "string") return bad("invalid_type");
  const code = value.toUpperCase();
  return CURRENCIES.has(code) ? good(code) : bad("invalid_enum");
};

const number = (least: number, most: number): FieldCheck => (value) => {
  if (!(value instanceof Num)) return bad("invalid_type");
  return value.value >= least && value.value <= most ? good(value.value) : bad("out_of_range");
};

const whole = (least: number, most: number): FieldCheck => (value) =>
  value instanceof Num && !value.isWhole ? bad("invalid_type") : number(least, most)(value);

/** Money in ten-thousandths, so that every sum is exact. */
export function units(amount: string): bigint {
  const [whole, fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(4, "0"));
}

const amount: FieldCheck = (value) => {
  if (typeof value === "string" && !/^-?\d+(\.\d+)?$/.test(value)) return bad("invalid_format");
  const given = typeof value === "string" ? new Num(value) : value;
  if (!(given instanceof Num)) return bad("invalid_type");
  const { digits, exponent } = given.exact;
  if (digits === 0n || exponent < -4 || exponent > 14) return bad("out_of_range");
  const scaled = digits * 10n ** BigInt(exponent + 4);
  const size = scaled < 0n ? -scaled : scaled;
  if (size >= 10n ** 18n) return bad("out_of_range");
  return good(`${scaled < 0n ? "-" : ""}${size / 10_000n}.${String(size % 10_000n).padStart(4, "0")}`);
};

const object: FieldCheck = (value) => isObject(value) ? good(written(value)) : bad("invalid_type");

const RFC_3339 = /^(\d{4}-\d\d-\d\d)t(\d\d:\d\d):([0-5]\d)(?:\.(\d+))?(z|[+-]\d\d:\d\d)$/i;
const END_MS = Date.UTC(10_000, 0, 1);

/** Microseconds since 1970, or the code. */
export function moment(value: Json): { us: number } | { code: string } {
  if (value instanceof Num) {
    if (!value.isWhole) return { code: "invalid_type" };
    return value.value >= 0 && value.value < END_MS ? { us: value.value * 1000 } : { code: "out_of_range" };
  }
  if (typeof value !== "string") return { code: "invalid_type" };
  const [, day, minute, second, fraction = "", zone] = RFC_3339.exec(value) ?? [];
  if (day === undefined) return { code: "invalid_format" };
  const local = Date.parse(`${day}T${minute}:${second}Z`);
  // A day that its month does not have is read as one of the next.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(`${day}T${minute}`)) {
    return { code: "invalid_format" };
  }
  const ms = zone.toLowerCase() === "z" ? local : Date.parse(`${day}T${minute}:${second}${zone}`);
  if (Number.isNaN(ms)) return { code: "invalid_format" };
  if (ms < 0 || ms >= END_MS) return { code: "out_of_range" };
  return { us: ms * 1000 + Number(fraction.slice(0, 6).padEnd(6, "0")) };
}

/** Microseconds as a cell: three decimals, or six where they say more. */
export function cellOf(us: number): string {
  const micros = us % 1000;
  return new Date(Math.floor(us / 1000)).toISOString().slice(0, -1) +
    (micros === 0 ? "" : String(micros).padStart(3, "0"));
}

export function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Num);
}

/** JSON text in which numbers stand as their exact value, so that 1.0 and 1 compare equal. */
export function written(value: Json): string {
  if (value instanceof Num) return `${value.exact.digits}e${value.exact.exponent}`;
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${
    Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${written(item)}`).join(",")
  }}`;
}

interface KindText {
  table: string;
  required: Readonly<Record<string, FieldCheck>>;
  optional: Readonly<Record<string, FieldCheck>>;
}

const SAFE = Number.MAX_SAFE_INTEGER;
const lat = number(-90, 90);
const lon = number(-180, 180);
const any = number(-Number.MAX_VALUE, Number.MAX_VALUE);

export const KINDS: Readonly<Record<string, KindText>> = {
  transaction: {
    table: "transactions",
    required: {
      user_id: id,
      amount,
      currency,
      status: oneOf("pending completed approved failed declined reversed refunded"),
    },
    optional: {
      transaction_id: id,
      transaction_type: oneOf("purchase withdrawal transfer refund debit credit"),
      merchant_id: id,
      merchant_name: text,
      merchant_category: text,
      payment_method: text,
      country,
      lat,
      lon,
      session_id: id,
      device_id: id,
      ip: text,
      is_international: flag,
    },
  },
  transaction_status: {
    table: "transaction_statuses",
    required: { transaction_id: id, status: text },
    optional: { previous_status: text, user_id: id },
  },
  clickstream: {
    table: "clickstream",
    required: {
      event_type: oneOf("page_view add_to_cart remove_from_cart purchase search wishlist"),
      user_id: id,
      session_id: id,
      page_url: text,
      user_agent: text,
      ip_address: text,
      geo_country: country,
    },
    optional: {
      product_id: id,
      product_category: text,
      price_cents: whole(0, 1e10),
      quantity: whole(1, 1e5),
      search_query: query,
      referrer: text,
      geo_city: text,
    },
  },
  sensor_reading: {
    table: "sensor_readings",
    required: { device_id: id, metric: id, value: any },
    optional: { unit: text, battery: any, lat, lon },
  },
  api_call: {
    table: "api_calls",
    required: {
      method: id,
      path: text,
      status_code: whole(100, 999),
      latency_ms: number(0, Number.MAX_VALUE),
    },
    optional: { user_id: id, request_bytes: whole(0, SAFE), response_bytes: whole(0, SAFE), ip: text },
  },
  user_activity: {
    table: "user_activity",
    required: { user_id: id, activity: id },
    optional: { session_id: id, device_id: id, ip: text, properties: object },
  },
};
