/** Events a second over days, counted in the lake: the server itself remembers one hour. */
import { addCount } from "../../lib/counts_by_name.ts";
import type { Rows } from "../engine/result.ts";
import type { LivePoint } from "../shared/live.ts";

/** Steps that make about a hundred points of a range. */
const STEPS_S = [60, 300, 900, 3_600, 21_600, 86_400];
const POINTS = 200;

export function stepOf(range_s: number): number {
  return STEPS_S.find((step) => range_s / step <= POINTS) ?? STEPS_S[STEPS_S.length - 1];
}

/** `since` is the beginning of the range as the engine reads it. Control records are no events. */
export function pastRateSql(since: string, step_s: number): string {
  return `SELECT epoch(time_bucket(INTERVAL '${step_s} seconds', received_at))::BIGINT AS t, kind, source, count(*) AS n
    FROM raw.events WHERE received_at >= TIMESTAMP '${since}' AND source <> 'millrace' GROUP BY ALL ORDER BY ALL`;
}

/**
 * Points as the live stream tells them, per second, with zeros where nothing came. The first step and the last count for
 * the seconds that lie in the range (in seconds since 1970), or each range would begin and end with a drop. Pure.
 */
export function pastPoints(
  rows: Rows,
  step_s: number,
  { from, until }: { from: number; until: number },
): LivePoint[] {
  const secondsOf = (t: number) => Math.max(1, Math.min(t + step_s, until) - Math.max(t, from));
  const found = new Map<number, { kinds: Record<string, number>; sources: Record<string, number> }>();
  for (let row = 0; row < rows.rowCount; row++) {
    const t = Number(rows.text(row, 0));
    const point = found.get(t) ?? { kinds: {}, sources: {} };
    found.set(t, point);
    const a_second = Number(rows.text(row, 3)) / secondsOf(t);
    addCount(point.kinds, rows.text(row, 1) ?? "undecodable", a_second);
    addCount(point.sources, rows.text(row, 2) ?? "unknown", a_second);
  }
  const times = [...found.keys()];
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const points: LivePoint[] = [];
  for (let t = first; t <= last; t += step_s) {
    points.push({ t: t * 1000, seconds: secondsOf(t), ...(found.get(t) ?? { kinds: {}, sources: {} }) });
  }
  return points;
}
