/** Numbers, sizes, durations and times as people read them. Pure; times are UTC unless the name says local. */

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const PLAIN = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });
const TINY = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
const DECIMAL = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

/** `1,234,567`; takes text too, because 64-bit numbers come as text. A missing number is a dash. */
export function count(value: number | bigint | string | null | undefined): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "string") return /^-?\d+$/.test(value) ? GROUPED.format(BigInt(value)) : value;
  return GROUPED.format(value);
}

/** A number of any size with about three digits of what is behind its point. */
export function plain(value: number): string {
  return Math.abs(value) < 0.01 ? TINY.format(value) : PLAIN.format(value);
}

/** A number with at most one decimal, for rates. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value >= 100 ? GROUPED.format(value) : DECIMAL.format(value);
}

export function bytes(value: number | string | null | undefined): string {
  const size = Number(value ?? NaN);
  if (!Number.isFinite(size)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let scaled = size;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${unit === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[unit]}`;
}

export function milliseconds(value: number): string {
  if (value < 1000) return `${Math.round(value)} ms`;
  return value < 60_000 ? `${(value / 1000).toFixed(2)} s` : duration(value / 1000);
}

/** `3 s`, `2 min 5 s`, `4 h 12 min`, `3 d 2 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, "min", 1, "s");
  if (whole < 86_400) return pair(whole, 3600, "h", 60, "min");
  return pair(whole, 86_400, "d", 3600, "h");
}

function pair(seconds: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % big) / small);
  return `${Math.floor(seconds / big)} ${bigName}${rest > 0 ? ` ${rest} ${smallName}` : ""}`;
}

/** `2026-01-31 09:30:00` of an ISO text or a Date; what cannot be read is shown as it came. */
export function utc(value: string | number | Date | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString().slice(0, 19).replace("T", " ");
}

/** The clock alone, `09:30:00`, for times of today. */
export function clock(value: string | number | Date | null | undefined): string {
  const text = utc(value);
  return text.length === 19 ? text.slice(11) : text;
}

export function local(value: string | number | Date): string {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return String(value);
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** `5 s ago`, against a `now` in milliseconds that the caller reads. */
export function ago(value: string | number | Date | null | undefined, now: number): string {
  if (value === null || value === undefined) return "–";
  const time = new Date(value).getTime();
  return Number.isNaN(time) ? String(value) : `${duration((now - time) / 1000)} ago`;
}

/** `1 row`, `2 rows`. */
export function plural(
  amount: number | bigint | string | null | undefined,
  word: string,
  many = `${word}s`,
): string {
  return `${count(amount)} ${/^-?1$/.test(String(amount)) ? word : many}`;
}
