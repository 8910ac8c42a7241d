/** What a bench is, and how its figures are told: never alone, always beside the reference of the same run. */

export interface Figure {
  what: string;
  value: number;
  unit: string;
  /** The same machine, the same minute. */
  reference?: { what: string; value: number };
  must?: number;
  goal?: number;
  /** Smaller is better (latencies); ratios otherwise. */
  smaller?: boolean;
}

export interface Bench {
  name: string;
  /** `args`: what the command line says after the name. */
  run(args: readonly string[]): Promise<Figure[]>;
}

export function report(bench: Bench, figures: readonly Figure[]): void {
  for (const figure of figures) {
    const { what, value, unit, reference, must, goal, smaller } = figure;
    const judged = reference ? value / reference.value : value;
    const reaches = (bound: number) => smaller ? judged <= bound : judged >= bound;
    const bounds = [["must", must], ["goal", goal]].filter(([, bound]) => bound !== undefined);
    const verdict = goal !== undefined && reaches(goal)
      ? "goal"
      : must === undefined
      ? "below goal"
      : reaches(must)
      ? "must"
      : "BELOW MUST";
    const parts = [
      `${bench.name}: ${what} ${shown(value)} ${unit}`,
      reference ? `${reference.what} ${shown(reference.value)} ${unit}, ratio ${judged.toFixed(3)}` : "",
      bounds.length === 0 ? "" : `${bounds.map((bound) => bound.join(" ")).join(", ")}: ${verdict}`,
    ];
    console.log(parts.filter((part) => part !== "").join(" | "));
  }
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(3);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], q: number): number {
  const ascending = values.toSorted((a, b) => a - b);
  return ascending[Math.min(ascending.length - 1, Math.floor(q * ascending.length))];
}

/** How long `work` took, in seconds. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** 360 bytes a line, as `/ingest/transaction` takes them. */
export function transactionLine(i: number, timestamp_ms: number, from = { user: i, of: 5000 }): string {
  const user = from.user % from.of;
  const event = {
    event_id: `bench-${String(i).padStart(12, "0")}`,
    timestamp: timestamp_ms,
    user_id: `user_${user}`,
    amount: `${10 + (i % 900)}.${String(i % 100).padStart(2, "0")}`,
    currency: i % 3 === 0 ? "USD" : "EUR",
    status: "completed",
    transaction_type: "purchase",
    merchant_id: `merchant_${i % 300}`,
    merchant_name: "A merchant with a name",
    payment_method: "card",
    country: "DE",
    device_id: `device_${user}`,
  };
  const text = JSON.stringify(event);
  return JSON.stringify({ ...event, note: "x".repeat(Math.max(0, 360 - text.length - 10)) });
}
