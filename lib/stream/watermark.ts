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
import type { Row } from "../event/column.ts";
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
  const watermark_us = Math.max(time.watermark_us ?? -Infinity, towards_us);
  const line_us = Math.max(time.line_us ?? -Infinity, watermark_us - settings.allowed_lateness_ms * 1000);
  const stands = highest_us === time.highest_us && watermark_us === time.watermark_us &&
    line_us === time.line_us;
  return stands ? time : { highest_us, watermark_us, line_us };
}

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
