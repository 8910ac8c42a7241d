/** The columns that every row of a kind's table has, whatever the kind; the partition's owner fills them. */
import type { Column } from "./column.ts";

export const COMMON_COLUMNS: readonly Column[] = [
  { name: "source", type: "string", doc: "The configured sender, or the name of the ingest token." },
  { name: "log_partition", type: "int", doc: "Partition of the log that holds the record." },
  { name: "log_offset", type: "long", doc: "Offset of the record in its partition." },
  {
    name: "event_id",
    type: "string",
    doc: "The sender's id of the event; unique per source and kind within the duplicate window.",
  },
  { name: "event_time", type: "timestamp", doc: "When it happened by its own timestamp, in UTC." },
  { name: "received_at", type: "timestamp", doc: "When its bytes arrived, in UTC." },
  {
    name: "late",
    type: "boolean",
    doc: "Whether it came after its time was settled; such rows enter no window, statistic or rule.",
  },
  { name: "schema_version", type: "int", doc: "Version of the table's columns with which the row was made." },
  {
    name: "extra",
    type: "string",
    doc: "JSON text of the fields that the kind does not know; null when there are none.",
  },
];
