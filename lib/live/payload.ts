/**
 * What the dashboard is told: all of it in a snapshot, and in a delta what changed.
 *
 * A delta replaces whole members, except that `metrics` is merged name by name and `history` and `alerts` are appended.
 * So two deltas are one delta again, and a client that is slow misses moments but no sums.
 */
import { addCount } from "../counts_by_name.ts";

export interface LivePayload {
  at: string;
  metrics: Readonly<Record<string, number | null>>;
  /** The way of an event, in its order. */
  stages?: readonly LiveStage[];
  /** The last hour: a point a second of its last minutes, fewer of what is older. */
  history?: readonly LivePoint[];
  /** Newest last. */
  alerts?: readonly LiveAlert[];
  /** Dead letters by reason, since the process began. */
  dead_letters?: Readonly<Record<string, number>>;
  accounting?: readonly unknown[];
  /** Sentences about what is wrong now. */
  problems?: readonly string[];
}

export interface LiveStage {
  name: "door" | "log" | "process" | "publish" | "compact";
  state: "ok" | "idle" | "behind" | "down";
  /** Records that wait before this stage; null where that means nothing. */
  lag_records: number | null;
  note: string;
}

export interface LivePoint {
  /** Milliseconds since 1970 of its start. */
  t: number;
  /** How many seconds it stands for; one when it does not say. */
  seconds?: number;
  /** Events a second. */
  kinds: Readonly<Record<string, number>>;
  sources: Readonly<Record<string, number>>;
}

export interface LiveAlert {
  alert_id: string;
  rule: string;
  severity: string;
  user_id: string | null;
  event_time: string;
  description: string;
  z_score: number | null;
}

const HISTORY_MS = 3_600_000;
/** So much of it is kept second by second; of the rest each point stands for a few seconds. */
const FINE_MS = 300_000;
const COARSE_MS = 10_000;
export const MAX_ALERTS = 50;

/** One payload that says what both say. */
export function merged(older: LivePayload, newer: LivePayload): LivePayload {
  return bounded({
    ...older,
    ...newer,
    metrics: { ...older.metrics, ...newer.metrics },
    history: joined(older.history, newer.history),
    alerts: joined(older.alerts, newer.alerts),
  });
}

/** What `now` says that `before` did not; lists that are appended hold what is new in `now` already. */
export function difference(before: LivePayload, now: LivePayload): LivePayload {
  const metrics = Object.fromEntries(
    Object.entries(now.metrics).filter(([name, value]) => before.metrics[name] !== value),
  );
  const changed = (name: "stages" | "dead_letters" | "accounting" | "problems") =>
    now[name] === undefined || isEqual(before[name], now[name]) ? {} : { [name]: now[name] };
  return {
    at: now.at,
    metrics,
    ...changed("stages"),
    ...changed("dead_letters"),
    ...changed("accounting"),
    ...changed("problems"),
    ...(now.history?.length ? { history: now.history } : {}),
    ...(now.alerts?.length ? { alerts: now.alerts } : {}),
  };
}

function joined<T>(
  older: readonly T[] | undefined,
  newer: readonly T[] | undefined,
): readonly T[] | undefined {
  return newer === undefined ? older : [...(older ?? []), ...newer];
}

function bounded(payload: LivePayload): LivePayload {
  return {
    ...payload,
    ...(payload.history ? { history: thinned(payload.history) } : {}),
    ...(payload.alerts ? { alerts: payload.alerts.slice(-MAX_ALERTS) } : {}),
  };
}

/** An hour in some hundreds of points, so that a snapshot stays small: what is no longer new is told in means. */
export function thinned(points: readonly LivePoint[]): readonly LivePoint[] {
  const newest = points.at(-1)?.t ?? 0;
  const isFine = (point: LivePoint) => point.t >= bucketOf(newest - FINE_MS);
  // What a clock told that was set back since is yet to come.
  const kept = points.filter(({ t }) => t > newest - HISTORY_MS && t <= newest);
  const buckets = Map.groupBy(kept.filter((point) => !isFine(point)), ({ t }) => bucketOf(t));
  return [
    ...[...buckets].map(([t, some]) => some.length === 1 ? some[0] : mean(t, some)),
    ...kept.filter(isFine),
  ];
}

function bucketOf(t: number): number {
  return Math.floor(t / COARSE_MS) * COARSE_MS;
}

function mean(t: number, points: readonly LivePoint[]): LivePoint {
  const seconds = points.reduce((sum, point) => sum + (point.seconds ?? 1), 0);
  const rates = (of: "kinds" | "sources") => {
    const sums: Record<string, number> = {};
    for (const point of points) {
      for (const [name, rate] of Object.entries(point[of])) {
        addCount(sums, name, rate * (point.seconds ?? 1));
      }
    }
    return Object.fromEntries(
      Object.entries(sums).map(([name, sum]) => [name, Math.round(sum / seconds * 100) / 100]),
    );
  };
  return { t, seconds, kinds: rates("kinds"), sources: rates("sources") };
}

/** Plain data, compared as it would be sent. */
function isEqual(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
