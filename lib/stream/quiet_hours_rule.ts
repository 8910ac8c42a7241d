/** Fires at events in the small hours: local time of the event in [from, to), over midnight when from > to. */
import { z } from "zod";
import { SECOND_US } from "./moment.ts";
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

const DAY_SECONDS = 86_400;
/** A zone's clock is asked once a minute of event time: no offset changes within one. */
const MOST_MINUTES = 20_000;

export function quietHoursRule(rule: z.infer<typeof QuietHoursRule>): RuleEvaluator {
  const [from, to] = [minutesOf(rule.from), minutesOf(rule.to)];
  const localMinute = clockOf(rule.time_zone);
  return {
    evaluate(subject) {
      const minute = localMinute(Math.floor(subject.event_us / SECOND_US));
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

/** From seconds since 1970 to the minute of the local day. */
function clockOf(time_zone: string): (second: number) => number {
  if (time_zone === "UTC") return (second) => Math.floor((second % DAY_SECONDS) / 60);
  const format = new Intl.DateTimeFormat("en", {
    timeZone: time_zone,
    hourCycle: "h23",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  /** The second of the local day at which a minute begins: offsets of old times have seconds. */
  const starts = new Map<number, number>();
  return (second) => {
    const minute = Math.floor(second / 60);
    let start = starts.get(minute);
    if (start === undefined) {
      const parts = format.formatToParts(minute * 60_000);
      const part = (type: string) => Number(parts.find((one) => one.type === type)!.value);
      start = part("hour") * 3600 + part("minute") * 60 + part("second");
      if (starts.size >= MOST_MINUTES) starts.clear();
      starts.set(minute, start);
    }
    return Math.floor(((start + second - minute * 60) % DAY_SECONDS) / 60);
  };
}
