/** The rows of `processed.late_events`: which rows came after their time was settled, and by how much. */
import type { LogRecord } from "../log/log.ts";
import type { Column, Row } from "./column.ts";
import { KAFKA_SOURCE } from "./judge.ts";
import type { TypedEvent } from "./judgement.ts";
import { timestampCell } from "./timestamp.ts";

export const LATE_EVENTS = "processed.late_events";

export const LATE_EVENT_COLUMNS: readonly Column[] = [
  { name: "source", type: "string", doc: "The configured sender, or the name of the ingest token." },
  { name: "kind", type: "string", doc: "Kind of the event; its row stands in the kind's table." },
  { name: "event_id", type: "string", doc: "The sender's id of the event." },
  { name: "event_time", type: "timestamp", doc: "When it happened by its own timestamp, in UTC." },
  { name: "received_at", type: "timestamp", doc: "When its bytes arrived, in UTC." },
  { name: "watermark", type: "timestamp", doc: "Watermark of the partition when it came, in UTC." },
  { name: "late_by_ms", type: "long", doc: "How far its time lay behind the watermark, in milliseconds." },
  { name: "log_partition", type: "int", doc: "Partition of the log that holds the record." },
  { name: "log_offset", type: "long", doc: "Offset of the record in its partition." },
];

/** The row of a late event; `watermark_ms` is the partition's before the event. */
export function lateRow(record: LogRecord, event: TypedEvent, watermark_ms: number): Row {
  return {
    source: record.headers.source ?? KAFKA_SOURCE,
    kind: event.kind,
    event_id: event.event_id,
    event_time: timestampCell(event.event_time_ms, event.event_time_sub_us),
    received_at: timestampCell(record.received_at),
    watermark: timestampCell(watermark_ms),
    late_by_ms: watermark_ms - event.event_time_ms,
    log_partition: record.partition,
    log_offset: record.offset,
  };
}
