/** The windows once more, as a plain computation over all rows at once: what the highest revisions must equal. */
import { momentCell } from "../../lib/stream/moment.ts";
import type { StreamEvent } from "../../lib/stream/operator.ts";
import type { WindowDefinition } from "../../lib/stream/window_definition.ts";

type Cells = Record<string, unknown>;

export function timeOf(event: StreamEvent): number {
  return event.event_time_ms * 1000 + event.event_time_sub_us;
}

/** Rows of the closed windows over `events` (neither late nor bots), without window_id, partition and revision. */
export function batchWindows(window: WindowDefinition, events: readonly StreamEvent[]): Cells[] {
  const taken = events.filter((event) =>
    event.kind === window.over && event.row.is_bot !== true && holds(window.where, event.row)
  );
  const byKey = Map.groupBy(
    taken,
    (event) => JSON.stringify(window.key.map((column) => event.row[column] ?? null)),
  );
  return [...byKey.values()].flatMap((of) =>
    window.kind === "session" ? sessions(window, of) : aligned(window, of)
  );
}

function aligned(
  window: WindowDefinition & { kind: "tumbling" | "sliding" },
  events: StreamEvent[],
): Cells[] {
  const size = window.size * 1000;
  const slide = window.kind === "sliding" ? window.slide * 1000 : size;
  const starts = new Set<number>();
  for (const event of events) {
    const last = Math.floor(timeOf(event) / slide) * slide;
    for (let start = last; start > timeOf(event) - size; start -= slide) starts.add(start);
  }
  return [...starts].map((start) => {
    const inside = events.filter((event) => timeOf(event) >= start && timeOf(event) < start + size);
    return row(window, inside, start, start + size);
  });
}

function sessions(window: WindowDefinition & { kind: "session" }, events: StreamEvent[]): Cells[] {
  const gap = window.gap * 1000;
  const runs: StreamEvent[][] = [];
  let last = -Infinity;
  for (const event of events.toSorted((a, b) => timeOf(a) - timeOf(b))) {
    if (timeOf(event) - last >= gap) runs.push([]);
    runs.at(-1)!.push(event);
    last = timeOf(event);
  }
  return runs.map((run) => {
    const [first, last] = [timeOf(run[0]), timeOf(run.at(-1)!)];
    return {
      ...row(window, run, first, last + gap),
      merged_into: null,
      started_at: momentCell(first),
      last_event_at: momentCell(last),
      duration_ms: Math.floor((last - first) / 1000),
    };
  });
}

function row(window: WindowDefinition, events: readonly StreamEvent[], start: number, end: number): Cells {
  const cells: Cells = { window_start: momentCell(start), window_end: momentCell(end) };
  for (const column of window.key) cells[column] = events[0].row[column] ?? null;
  const keyed = window.key.includes("user_id");
  for (const [name, aggregate] of Object.entries(window.aggregates)) {
    const rows = events.map((event) => event.row).filter((one) => holds(aggregate.where, one));
    const values = (field: string) => rows.map((one) => one[field] ?? null).filter((value) => value !== null);
    if ("count" in aggregate) {
      cells[name] = aggregate.count === "rows" ? rows.length : values(aggregate.count).length;
    }
    if ("sum" in aggregate) cells[name] = text(sum(values(aggregate.sum)));
    if ("avg" in aggregate) {
      const all = values(aggregate.avg);
      cells[name] = all.length === 0 ? null : Number(text(sum(all))) / all.length;
      if (!keyed) cells[`${name}_sum`] = text(sum(all));
      if (!keyed) cells[`${name}_count`] = all.length;
    }
    if ("min" in aggregate) cells[name] = extreme(values(aggregate.min), (a, b) => a < b);
    if ("max" in aggregate) cells[name] = extreme(values(aggregate.max), (a, b) => a > b);
    if ("distinct" in aggregate) cells[name] = new Set(values(aggregate.distinct)).size;
    if ("top" in aggregate) cells[name] = top(values(aggregate.top).map(String));
  }
  return cells;
}

/** Only what the shipped windows ask: one value or a list of them. */
function holds(where: object | undefined, row: Cells): boolean {
  return Object.entries(where ?? {}).every(([field, wanted]) => [wanted].flat().includes(row[field]));
}

/** Times 10^4. */
function units(value: unknown): bigint {
  const [whole, fraction = ""] = String(value).split(".");
  const digits = BigInt(whole.replace("-", "") + fraction.padEnd(4, "0"));
  return whole.startsWith("-") ? -digits : digits;
}

function sum(values: readonly unknown[]): bigint {
  return values.reduce((total: bigint, value) => total + units(value), 0n);
}

function text(units: bigint): string {
  const digits = String(units < 0n ? -units : units).padStart(5, "0");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

function extreme(values: readonly unknown[], better: (a: bigint, b: bigint) => boolean): string | null {
  if (values.length === 0) return null;
  return text(values.map(units).reduce((best, value) => better(value, best) ? value : best));
}

function top(values: readonly string[]): Cells[] {
  const bytes = (value: string) => new TextEncoder().encode(value).join();
  const counts = [...Map.groupBy(values, (value) => value)].map(([value, all]) => ({
    value,
    count: all.length,
  }));
  return counts.sort((a, b) => b.count - a.count || compareBytes(a.value, b.value, bytes));
}

function compareBytes(a: string, b: string, bytes: (value: string) => string): number {
  const [x, y] = [bytes(a).split(",").map(Number), bytes(b).split(",").map(Number)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i] - y[i];
  return x.length - y.length;
}
