/** That somebody has seen an alert: a control record `ack` of the log, as a row. */
import { z } from "zod";
import type { Column, Row } from "../event/column.ts";

export const ACKNOWLEDGEMENTS = "analytics.acknowledgements";

/** The body of the record. */
export const Acknowledgement = z.looseObject({ alert_id: z.string().min(1), by: z.string() });

export const ACKNOWLEDGEMENT_COLUMNS: readonly Column[] = [
  { name: "alert_id", type: "string", doc: "The alert." },
  { name: "acknowledged_by", type: "string", doc: "Who has seen it." },
  { name: "acknowledged_at", type: "timestamp", doc: "Log time of the acknowledgement." },
  { name: "log_partition", type: "int", doc: "Partition of the log that holds it." },
  { name: "log_offset", type: "long", doc: "Its offset." },
];

export function acknowledgementRow(
  body: z.infer<typeof Acknowledgement>,
  place: { acknowledged_at: string; log_partition: number; log_offset: number },
): Row {
  return { alert_id: body.alert_id, acknowledged_by: body.by, ...place };
}
