/**
 * How far time is known to have come in one partition, as pure functions of plain state.
 *
 *        late  |<- allowed lateness ->|<- out of orderness ->|
 *   -----------+----------------------+----------------------+---> event time
 *            line                 watermark          highest event time
 *
 * One watermark over all kinds and sources. It never goes back, and neither does the line before which events are
 * late: state behind it is gone, so a longer lateness lets nobody in who would find it missing.
 */
import type { Column, Row } from "../event/column.ts";
import { microseconds, momentCell, wholeMilliseconds } from "./moment.ts";
import type { StreamEvent } from "./operator.ts";

export interface TimeSettings {
  out_of_orderness_ms: number;
  allowed_lateness_ms: number;
}

/** Microseconds; all null before the partition's first row. */
export interface PartitionTime {
  readonly highest_us: number | null;
  readonly watermark_us: number | null;
  /** Events before it are late. */
  readonly line_us: number | null;
}

export const NO_TIME: PartitionTime = { highest_us: null, watermark_us: null, line_us: null };

/** Judged before the event itself moves anything. */
export function isLate(time: PartitionTime, event_us: number): boolean {
  return time.line_us !== null && event_us < time.line_us;
}

/** After a row that is not late. */
export function afterRow(time: PartitionTime, event_us: number, settings: TimeSettings): PartitionTime {
  const highest_us = time.highest_us === null ? event_us : Math.max(time.highest_us, event_us);
  return moved(time, highest_us, highest_us - settings.out_of_orderness_ms * 1000, settings);
}

/** After a tick received at `log_time_ms`; does nothing before the first row. */
export function afterTick(time: PartitionTime, log_time_ms: number, settings: TimeSettings): PartitionTime {
  if (time.watermark_us === null) return time;
  return moved(time, time.highest_us, microseconds(log_time_ms - settings.out_of_orderness_ms), settings);
}

/** After settings were changed: a shorter lateness moves the line at once. */
export function afterSettings(time: PartitionTime, settings: TimeSettings): PartitionTime {
  return time.watermark_us === null ? time : moved(time, time.highest_us, time.watermark_us, settings);
}

function moved(
  time: PartitionTime,
  highest_us: number | null,
  towards_us: number,
  settings: TimeSettings,
): PartitionTime {
  const watermark_us = time.watermark_us === null ? towards_us : Math.max(time.watermark_us, towards_us);
  const line_us = watermark_us - settings.allowed_lateness_ms * 1000;
  return {
    highest_us,
    watermark_us,
    line_us: time.line_us === null ? line_us : Math.max(time.line_us, line_us),
  };
}

export const LATE_EVENTS = "processed.late_events";

export const LATE_EVENT_COLUMNS: readonly Column[] = [
  { name: "source", type: "string", doc: "Who sent the event." },
  { name: "log_partition", type: "int", doc: "Partition of the log." },
  { name: "log_offset", type: "long", doc: "Offset within the partition." },
  {
    name: "kind",
    type: "string",
    doc: "Kind of the event; its row stands in that kind's table with late = true.",
  },
  { name: "event_id", type: "string", doc: "The event's id." },
  { name: "event_time", type: "timestamp", doc: "When the event says that it happened." },
  { name: "received_at", type: "timestamp", doc: "When the log received it." },
  { name: "watermark", type: "timestamp", doc: "The partition's watermark when the event came." },
  { name: "late_by_ms", type: "long", doc: "Watermark minus event time, in milliseconds." },
];

/** The row of `late_events` for an event that came when time stood at `watermark_us`. */
export function lateEventRow(event: StreamEvent, watermark_us: number): Row {
  const event_us = microseconds(event.event_time_ms, event.event_time_sub_us);
  return {
    source: event.source,
    log_partition: event.partition,
    log_offset: event.offset,
    kind: event.kind,
    event_id: event.event_id,
    event_time: momentCell(event_us),
    received_at: momentCell(microseconds(event.received_at)),
    watermark: momentCell(watermark_us),
    late_by_ms: wholeMilliseconds(watermark_us - event_us),
  };
}
