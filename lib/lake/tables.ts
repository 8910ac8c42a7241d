/** Every table of the lake: its columns, its partition column, and the order of rows in its files. */
import { ACKNOWLEDGEMENT_COLUMNS, ACKNOWLEDGEMENTS } from "../alert/acknowledgement.ts";
import { ALERT_COLUMNS, ALERTS } from "../alert/alert.ts";
import type { Column } from "../event/column.ts";
import { COMMON_COLUMNS } from "../event/common_columns.ts";
import { DEAD_LETTER_COLUMNS, DEAD_LETTERS } from "../event/dead_letter.ts";
import type { Kind } from "../event/kind.ts";
import type { Kinds } from "../event/kinds.ts";
import { RAW_EVENT_COLUMNS, RAW_EVENTS } from "../event/raw_event.ts";
import { LATE_EVENT_COLUMNS, LATE_EVENTS } from "../event/late_event.ts";

import type { WindowDefinition } from "../stream/window_definition.ts";
import { revisionsTable } from "../stream/window_operator.ts";
import { windowColumns } from "../stream/window_table.ts";

export interface TableSpec {
  /** `stage.table` */
  key: string;
  doc: string;
  columns: readonly Column[];
  /** The timestamp column whose day partitions the table; null for an unpartitioned one. */
  day_column: string | null;
  /** What people filter on, so that statistics prune. */
  order_by: readonly string[];
}

/** What writing a table's files needs to know of it, whether it is configured still or not. */
export type TableLayout = Pick<TableSpec, "key" | "day_column" | "order_by">;

const RAW: TableSpec = {
  key: RAW_EVENTS,
  doc: "Every record of the log: the bytes as received, their hash and their outcome.",
  columns: RAW_EVENT_COLUMNS,
  day_column: "received_at",
  order_by: ["log_partition", "log_offset"],
};

const DEAD: TableSpec = {
  key: DEAD_LETTERS,
  doc: "What could not become a row, with every reason and the original.",
  columns: DEAD_LETTER_COLUMNS,
  day_column: "received_at",
  order_by: ["received_at", "log_partition", "log_offset"],
};

const LATE: TableSpec = {
  key: LATE_EVENTS,
  doc: "Rows that came after their time was settled.",
  columns: LATE_EVENT_COLUMNS,
  day_column: "event_time",
  order_by: ["event_time", "log_partition", "log_offset"],
};

function kindTable(kind: Kind): TableSpec {
  const filter = kind.partition.find((name) => kind.columns.some((column) => column.name === name));
  return {
    key: `processed.${kind.table}`,
    doc: kind.doc,
    columns: [...COMMON_COLUMNS, ...kind.columns],
    day_column: "event_time",
    order_by: [...(filter ? [filter] : []), "event_time", "log_partition", "log_offset"],
  };
}

const ALERT_TABLE: TableSpec = {
  key: ALERTS,
  doc: "What rules raised.",
  columns: ALERT_COLUMNS,
  day_column: "event_time",
  order_by: ["user_id", "event_time", "alert_id"],
};

const ACKNOWLEDGEMENT_TABLE: TableSpec = {
  key: ACKNOWLEDGEMENTS,
  doc: "Who acknowledged which alert.",
  columns: ACKNOWLEDGEMENT_COLUMNS,
  day_column: null,
  order_by: ["alert_id"],
};

function windowTable(window: WindowDefinition, kinds: Kinds): TableSpec {
  return {
    key: revisionsTable(window.name),
    doc: `Every revision of ${window.name}: ${window.doc ?? "a window"}`,
    columns: windowColumns(window, kinds.get(window.over)!),
    day_column: "window_start",
    order_by: [...window.key, "window_start", "revision"],
  };
}

/** All tables that decided segments may hold rows for. */
export function lakeTables(kinds: Kinds, windows: readonly WindowDefinition[]): TableSpec[] {
  return [
    RAW,
    ...[...kinds.values()].map(kindTable),
    DEAD,
    LATE,
    ALERT_TABLE,
    ACKNOWLEDGEMENT_TABLE,
    ...windows.map((window) => windowTable(window, kinds)),
  ];
}
