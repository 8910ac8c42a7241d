/** Fires at events in the small hours: local time of the event in [from, to), over midnight when from > to. */
import { z } from "zod";
import { MINUTE_US } from "./moment.ts";
import { type RuleEvaluator, ruleFields } from "./rule_fields.ts";

const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "is no time of day such as 01:00");

const TimeZone = z.string().refine(isTimeZone, { message: "is no time zone such as UTC or Europe/Berlin" });

export const QuietHoursRule = z.strictObject({
  ...ruleFields,
  kind: z.literal("quiet_hours"),
  from: TimeOfDay,
  to: TimeOfDay,
  time_zone: TimeZone.default("UTC"),
}).refine(({ from, to }) => from !== to, { message: "is the same as from", path: ["to"] });

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const DAY_MINUTES = 1440;
/** A zone's offset is asked once a quarter of an hour of event time: offsets change on such a boundary. */
const QUARTER_MINUTES = 15;
const MOST_QUARTERS = 20_000;

export function quietHoursRule(rule: z.infer<typeof QuietHoursRule>): RuleEvaluator {
  const [from, to] = [minutesOf(rule.from), minutesOf(rule.to)];
  const localMinute = clockOf(rule.time_zone);
  return {
    evaluate(subject) {
      const minute = localMinute(Math.floor(subject.event_us / MINUTE_US));
      const quiet = from < to ? minute >= from && minute < to : minute >= from || minute < to;
      if (!quiet) return null;
      const local_time = `${pad(Math.floor(minute / 60))}:${pad(minute % 60)}`;
      return {
        description: `at ${local_time} ${rule.time_zone}, between ${rule.from} and ${rule.to}`,
        context: { local_time },
      };
    },
  };
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** From minutes since 1970 to the minute of the local day. */
function clockOf(time_zone: string): (minute: number) => number {
  if (time_zone === "UTC") return (minute) => minute % DAY_MINUTES;
  const format = new Intl.DateTimeFormat("en", {
    timeZone: time_zone,
    hourCycle: "h23",
    hour: "2-digit",
    minute: "2-digit",
  });
  const starts = new Map<number, number>();
  return (minute) => {
    const quarter = Math.floor(minute / QUARTER_MINUTES);
    let start = starts.get(quarter);
    if (start === undefined) {
      const parts = format.formatToParts(quarter * QUARTER_MINUTES * 60_000);
      const part = (type: string) => Number(parts.find((one) => one.type === type)!.value);
      start = part("hour") * 60 + part("minute");
      if (starts.size >= MOST_QUARTERS) starts.clear();
      starts.set(quarter, start);
    }
    return (start + minute - quarter * QUARTER_MINUTES) % DAY_MINUTES;
  };
}
