/** Dates and times between their text (as rows hold them) and Iceberg's numbers: days and microseconds since 1970, UTC. */

const DAY_MS = 86_400_000;
const MICROS_A_MS = 1000n;

/** Microseconds of `2026-01-31T09:30:00.123456`; a blank instead of T, a trailing Z and fewer decimals are read too. */
export function microsOf(text: string): bigint {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z?$/.exec(text);
  const seconds = match ? Date.parse(`${match[1]}T${match[2]}Z`) : NaN;
  if (!match || Number.isNaN(seconds)) throw new RangeError(`Cannot read timestamp: ${text}`);
  return BigInt(seconds) * MICROS_A_MS + BigInt((match[3] ?? "").padEnd(6, "0"));
}

/** The text with six decimals, no zone. */
export function timestampText(micros: bigint): string {
  const within = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = Number((micros - within) / 1_000_000n);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(within).padStart(6, "0")}`;
}

/** Days since 1970 of `2026-01-31`, or of the day on which a timestamp lies. */
export function dayOf(text: string): number {
  const midnight = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(midnight)) throw new RangeError(`Cannot read date: ${text}`);
  return Math.round(midnight / DAY_MS);
}

export function dateText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
