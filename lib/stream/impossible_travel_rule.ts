/**
 * Fires when a key is at two places that nobody gets between in time: more than 50 km apart and faster than 900 km/h.
 *
 *   ---a----------e------b---> event time        e is held against the nearest before it and the nearest after it
 *
 * Events come out of order, so what is "after" may already be known. A place needs both lat and lon; 0.0 is a place.
 */
import { z } from "zod";
import { ForgetfulState } from "./forgetful_state.ts";
import { DAY_US, SECOND_US } from "./moment.ts";
import { type Finding, type RuleContext, type RuleEvaluator, ruleFields } from "./rule_fields.ts";
import { type History, lastUpTo, latestTime, nextAfter, withItem, withoutOlder } from "./sorted_history.ts";

export const ImpossibleTravelRule = z.strictObject({
  ...ruleFields,
  kind: z.literal("impossible_travel"),
  min_distance_km: z.number().positive().default(50),
  max_speed_kmh: z.number().positive().default(900),
});

type Visit = readonly [time_us: number, lat: number, lon: number, event_id: string];

const EARTH_RADIUS_KM = 6371;
const SECONDS_PER_HOUR = 3600;

export function impossibleTravelRule(
  rule: z.infer<typeof ImpossibleTravelRule>,
  context: RuleContext,
): RuleEvaluator {
  const useless = (history: History<Visit>) => latestTime(history) + DAY_US + 1;
  const memory = new ForgetfulState<History<Visit>>(context.space(), useless);

  function between(other: Visit | null, visit: Visit, forgotten_us: number): Finding | null {
    if (other === null || other[0] < forgotten_us) return null;
    const distance_km = haversineKm(other, visit);
    if (!(distance_km > rule.min_distance_km)) return null;
    const seconds = Math.max(Math.abs(visit[0] - other[0]) / SECOND_US, 1);
    const speed_kmh = distance_km / seconds * SECONDS_PER_HOUR;
    if (!(speed_kmh > rule.max_speed_kmh)) return null;
    return {
      description: `${Math.round(distance_km)} km in ${Math.round(seconds)} s is ${
        Math.round(speed_kmh)
      } km/h`,
      earlier_event_ids: [other[3]],
      context: { distance_km, speed_kmh, limit: rule.max_speed_kmh, other_event_id: other[3] },
    };
  }

  return {
    evaluate(subject, key, { time }) {
      const { lat, lon } = subject.row;
      if (typeof lat !== "number" || typeof lon !== "number") return null;
      const visit: Visit = [subject.event_us, lat, lon, subject.event.event_id];
      const forgotten_us = (time.watermark_us ?? -Infinity) - DAY_US;
      const before = memory.get(key);
      const history = before ?? [];
      const finding = between(lastUpTo(history, visit[0]), visit, forgotten_us) ??
        between(nextAfter(history, visit[0]), visit, forgotten_us);
      // Nobody comes before the line, so of all before it only the last can still be somebody's neighbour.
      memory.put(key, withItem(withoutOlder(history, time.line_us ?? -Infinity), visit), before);
      return finding;
    },
    sweep: ({ watermark_us }) => memory.sweep(watermark_us ?? -Infinity),
  };
}

function haversineKm([, lat1, lon1]: Visit, [, lat2, lon2]: Visit): number {
  const radians = Math.PI / 180;
  const sinLat = Math.sin((lat2 - lat1) * radians / 2);
  const sinLon = Math.sin((lon2 - lon1) * radians / 2);
  const h = sinLat * sinLat + Math.cos(lat1 * radians) * Math.cos(lat2 * radians) * sinLon * sinLon;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, h)));
}
