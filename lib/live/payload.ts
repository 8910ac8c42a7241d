/**
 * What the dashboard is told: all of it in a snapshot, and in a delta what changed.
 *
 * A delta replaces whole members, except that `metrics` is merged name by name and `history` and `alerts` are appended.
 * So two deltas are one delta again, and a client that is slow misses moments but no sums.
 */

export interface LivePayload {
  at: string;
  metrics: Readonly<Record<string, number | null>>;
  /** The way of an event, in its order. */
  stages?: readonly LiveStage[];
  /** One point a second. */
  history?: readonly LivePoint[];
  /** Newest last. */
  alerts?: readonly LiveAlert[];
  /** Dead letters by reason. */
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
  /** Milliseconds since 1970 of the second's start. */
  t: number;
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

/** A quarter of an hour. */
export const MAX_POINTS = 900;
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
    ...(payload.history ? { history: payload.history.slice(-MAX_POINTS) } : {}),
    ...(payload.alerts ? { alerts: payload.alerts.slice(-MAX_ALERTS) } : {}),
  };
}

/** Plain data, compared as it would be sent. */
function isEqual(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
