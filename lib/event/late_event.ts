/** The rows of `processed.late_events`: which rows came after their time was settled, and by how much. */
import type { Column } from "./column.ts";

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
