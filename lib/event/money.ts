/**
 * Exact amounts as text, and how many decimals a currency has. No amount is ever rounded or held in a double: a number
 * is taken by its shortest text, which up to 15 digits is what the sender wrote, and beyond by its source text.
 */
import { ExactNumber } from "./exact_json.ts";

const DECIMALS = 4;
/** Whole digits that `decimal(18, 4)` has room for. */
const WHOLE_DIGITS = 14;

export type AmountReading =
  | { ok: true; text: string }
  | { ok: false; code: "invalid_type" | "invalid_format" | "out_of_range" };

const OUT_OF_RANGE: AmountReading = { ok: false, code: "out_of_range" };
const WRONG_TYPE: AmountReading = { ok: false, code: "invalid_type" };
const WRONG_FORM: AmountReading = { ok: false, code: "invalid_format" };

/** A sign, digits without leading zeros, and how many of them are decimals: `-12.30` is {true, "123", 1}. */
export interface Decimal {
  negative: boolean;
  /** Empty for zero; no leading and no trailing zeros. */
  digits: string;
  /** May be negative: 1200 is "12" with scale -2. */
  scale: number;
}

const AMOUNT_TEXT = /^-?\d+(?:\.\d+)?$/;
const NUMBER_TEXT = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** An amount as `decimal(18, 4)` text (`-12.3400`) from a JSON number or from text; never zero, never rounded. */
export function readAmount(value: unknown): AmountReading {
  if (typeof value === "number") return amountOfNumber(value);
  if (typeof value === "string") return AMOUNT_TEXT.test(value) ? amountOfText(value) : WRONG_FORM;
  return value instanceof ExactNumber ? amountOfText(value.text) : WRONG_TYPE;
}

/** Minor units over 10^exponent, exactly: 1050 with exponent 2 is `10.50`. */
export function fromMinorUnits(minor_units: number | string, exponent: number): string {
  const text = String(minor_units);
  const sign = text.startsWith("-") ? "-" : "";
  const digits = text.slice(sign.length).padStart(exponent + 1, "0");
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** Takes a JSON number's text apart, exponent included; null when it is none. */
export function readDecimal(text: string): Decimal | null {
  const match = NUMBER_TEXT.exec(text);
  if (!match) return null;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const all = stripLeadingZeros(whole + fraction);
  let end = all.length;
  while (end > 0 && all.charCodeAt(end - 1) === 0x30) end--;
  const scale = fraction.length - (all.length - end) - Number(exponent);
  return { negative: sign === "-", digits: all.slice(0, end), scale: end === 0 ? 0 : scale };
}

/** The digits of value x 10^scale, with a sign. */
export function unscaled({ negative, digits, scale }: Decimal, wanted: number): string {
  return digits === "" ? "0" : `${negative ? "-" : ""}${digits}${"0".repeat(wanted - scale)}`;
}

function amountOfNumber(value: number): AmountReading {
  const size = Math.abs(value);
  if (!(size > 0 && size < 1e14)) return OUT_OF_RANGE;
  if (Number.isInteger(value)) return { ok: true, text: `${value}.0000` };
  const text = String(value);
  const decimals = text.length - text.indexOf(".") - 1;
  // Below 1e-6 the text has an exponent, and far more than four decimals.
  if (size < 1e-6 || decimals > DECIMALS) return OUT_OF_RANGE;
  return { ok: true, text: text + "0".repeat(DECIMALS - decimals) };
}

function amountOfText(source: string): AmountReading {
  const decimal = readDecimal(source);
  if (decimal === null) return WRONG_FORM;
  const { digits, scale, negative } = decimal;
  if (digits === "" || scale > DECIMALS || digits.length - scale > WHOLE_DIGITS) return OUT_OF_RANGE;
  const units = digits + "0".repeat(DECIMALS - scale);
  const padded = units.padStart(DECIMALS + 1, "0");
  return {
    ok: true,
    text: `${negative ? "-" : ""}${padded.slice(0, -DECIMALS)}.${padded.slice(-DECIMALS)}`,
  };
}

function stripLeadingZeros(digits: string): string {
  let start = 0;
  while (start < digits.length && digits.charCodeAt(start) === 0x30) start++;
  return digits.slice(start);
}

/** Decimals of the currencies whose minor unit is not a hundredth. */
const EXPONENTS: Readonly<Record<string, readonly string[]>> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "),
  3: "BHD IQD JOD KWD LYD OMR TND".split(" "),
  4: "CLF UYW".split(" "),
};

/** ISO 4217, list one (active currencies, funds and metals). */
const ACTIVE = new Set(
  `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
   CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
   HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
   MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
   PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
   TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD
   XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG`.split(/\s+/),
);

const EXPONENT_BY_CURRENCY = new Map(
  Object.entries(EXPONENTS).flatMap(([exponent, codes]) =>
    codes.map((code) => [code, Number(exponent)] as const)
  ),
);

/** Whether `code` (upper case) is an active ISO 4217 code. */
export function isCurrency(code: string): boolean {
  return ACTIVE.has(code);
}

/** Decimals of the currency's minor unit; null when there is no such currency. */
export function currencyExponent(code: string): number | null {
  const upper = code.toUpperCase();
  return ACTIVE.has(upper) ? EXPONENT_BY_CURRENCY.get(upper) ?? 2 : null;
}
