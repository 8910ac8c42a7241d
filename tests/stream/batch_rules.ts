/** The rules once more, straight from their definitions and with all history at hand: what the alerts must be. */
import type { StreamEvent } from "../../lib/stream/operator.ts";
import { coolDownMs, type RuleDefinition } from "../../lib/stream/rule_definition.ts";
import { timeOf } from "./batch_windows.ts";

/** A row that is not late, with the watermark before it (microseconds, -Infinity before any). */
export interface Seen {
  event: StreamEvent;
  watermark_us: number;
}

const DAY_US = 86_400_000_000;

/** `rule key event_id suppressed severity trigger,ids` of every alert, in the order of the log. */
export function batchAlerts(rules: readonly RuleDefinition[], seen: readonly Seen[]): string[] {
  const quiet = new Map<string, { time: number; suppressed: number }>();
  return seen.flatMap(({ event, watermark_us }, at) => {
    if (event.kind !== "transaction") return [];
    return rules.filter((rule) => rule.enabled).flatMap((rule) => {
      const { user_id, currency } = event.row;
      const key = rule.kind === "z_score" ? `${user_id}:${currency}` : String(user_id);
      const earlier = seen.slice(0, at).map((one) => one.event)
        .filter((one) => one.kind === "transaction" && one.row.user_id === user_id);
      const found = fires(rule, event, earlier, watermark_us);
      if (found === null) return [];
      const name = `${rule.name} ${key}`;
      const last = quiet.get(name);
      if (last !== undefined && Math.abs(timeOf(event) - last.time) < coolDownMs(rule) * 1000) {
        last.suppressed++;
        return [];
      }
      quiet.set(name, { time: timeOf(event), suppressed: 0 });
      const severity = found.severity ?? rule.severity;
      const ids = [...found.ids ?? [], event.event_id].join();
      return [`${name} ${event.event_id} ${last?.suppressed ?? 0} ${severity} ${ids}`];
    });
  });
}

interface Found {
  ids?: string[];
  severity?: string;
}

function fires(
  rule: RuleDefinition,
  event: StreamEvent,
  earlier: StreamEvent[],
  watermark: number,
): Found | null {
  const known = (one: StreamEvent) => timeOf(one) >= watermark - DAY_US;
  switch (rule.kind) {
    case "threshold": {
      const limits = rule.limit as Record<string, number>;
      const limit = limits[String(event.row.currency)] ?? limits.default;
      return Math.abs(Number(event.row.amount)) > limit ? {} : null;
    }
    case "velocity":
      return isBusy(rule.count, rule.window * 1000, earlier.map(timeOf), timeOf(event)) ? {} : null;
    case "quiet_hours": {
      const parts = new Intl.DateTimeFormat("en-GB", { timeZone: rule.time_zone, timeStyle: "short" });
      const local = parts.format(event.event_time_ms);
      const quiet = rule.from < rule.to
        ? local >= rule.from && local < rule.to
        : local >= rule.from || local < rule.to;
      return quiet ? {} : null;
    }
    case "z_score": {
      const amounts = earlier.filter((one) => one.row.currency === event.row.currency).map(amountOf);
      if (amounts.length < rule.min_history) return null;
      const mean = amounts.reduce((a, b) => a + b, 0) / amounts.length;
      const squares = amounts.reduce((a, b) => a + (b - mean) ** 2, 0);
      const z = Math.abs(amountOf(event) - mean) / Math.max(Math.sqrt(squares / (amounts.length - 1)), 0.1);
      if (!(z > rule.limit)) return null;
      return z > (rule.escalate?.above ?? Infinity) ? { severity: rule.escalate!.severity } : {};
    }
    case "impossible_travel":
      return travelled(rule, event, earlier.filter(known));
    case "distinct": {
      const among = [...earlier.filter(known), event].filter((one) => (one.row[rule.field] ?? null) !== null);
      if ((event.row[rule.field] ?? null) === null) return null;
      const values = new Set(among.slice(-rule.among).map((one) => one.row[rule.field]));
      return values.size >= rule.count ? {} : null;
    }
    case "sequence":
      return followed(rule, event, earlier.filter(known));
  }
}

function amountOf(event: StreamEvent): number {
  return Number(event.row.amount);
}

/** The kept ones are the latest 4 x count, cut after each event. */
function isBusy(count: number, window: number, earlier: number[], time: number): boolean {
  let kept: number[] = [];
  for (const one of earlier) kept = [...kept, one].sort((a, b) => a - b).slice(-4 * count);
  // Windows that begin at an event are enough: moving one later until it does loses nothing.
  return [...kept, time].some((t) =>
    t <= time && time < t + window &&
    [...kept, time].filter((one) => one >= t && one < t + window).length >= count
  );
}

function travelled(
  rule: RuleDefinition & { kind: "impossible_travel" },
  event: StreamEvent,
  earlier: StreamEvent[],
): Found | null {
  const located = (one: StreamEvent) => (one.row.lat ?? null) !== null && (one.row.lon ?? null) !== null;
  if (!located(event)) return null;
  const places = earlier.filter(located);
  const before = places.filter((one) => timeOf(one) <= timeOf(event));
  const after = places.filter((one) => timeOf(one) > timeOf(event));
  const nearest = [
    before.findLast((one) => timeOf(one) === Math.max(...before.map(timeOf))),
    after.findLast((one) => timeOf(one) === Math.min(...after.map(timeOf))),
  ];
  for (const other of nearest) {
    if (other === undefined) continue;
    const km = distanceKm(other, event);
    const hours = Math.max(Math.abs(timeOf(event) - timeOf(other)) / 1e6, 1) / 3600;
    if (km > rule.min_distance_km && km / hours > rule.max_speed_kmh) return { ids: [other.event_id] };
  }
  return null;
}

/** By the angle between the two places as vectors. */
function distanceKm(a: StreamEvent, b: StreamEvent): number {
  const vector = ({ row }: StreamEvent) => {
    const [lat, lon] = [Number(row.lat) * Math.PI / 180, Number(row.lon) * Math.PI / 180];
    return [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
  };
  const [x, y] = [vector(a), vector(b)];
  const cross = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
  const dot = x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
  return 6371 * Math.atan2(Math.hypot(...cross), dot);
}

/** Tries every choice of earlier events, by (event time, place in the log); the one with the latest events counts. */
function followed(
  rule: RuleDefinition & { kind: "sequence" },
  event: StreamEvent,
  earlier: StreamEvent[],
): Found | null {
  const matches = (where: object | undefined, { row }: StreamEvent) =>
    Object.entries(where ?? {}).every(([field, wanted]) => {
      const above = (wanted as { above?: number }).above;
      return above === undefined ? [wanted].flat().includes(row[field]) : Number(row[field]) > above;
    });
  const steps = rule.steps;
  if (!matches(steps.at(-1), event)) return null;
  const ordered = earlier.filter((one) => timeOf(one) <= timeOf(event))
    .map((one, at) => ({ one, at })).sort((a, b) => timeOf(a.one) - timeOf(b.one) || a.at - b.at).map((
      { one },
    ) => one);
  let best: number[] | null = null;
  const choose = (chosen: number[]) => {
    if (chosen.length === steps.length - 1) {
      const first = ordered[chosen[0]];
      const between = ordered.slice(chosen[0] + 1);
      const clean = rule.without === undefined || !between.some((one) => matches(rule.without, one));
      if (!clean || timeOf(event) - timeOf(first) >= rule.within * 1000) return;
      // Reverse order of comparison: the latest event of the last step first.
      const later = best === null || chosen.toReversed().join() !== best.toReversed().join() &&
          isLater(chosen.toReversed(), best.toReversed());
      if (later) best = chosen;
      return;
    }
    const from = chosen.length === 0 ? 0 : chosen.at(-1)! + 1;
    for (let at = from; at < ordered.length; at++) {
      if (matches(steps[chosen.length], ordered[at])) choose([...chosen, at]);
    }
  };
  choose([]);
  return best === null ? null : { ids: (best as number[]).map((at) => ordered[at].event_id) };
}

function isLater(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && a[at] > b[at];
}
