/** The table of a window's revisions, and the view over it that shows the highest ones of all partitions together. */
import type { Column, ColumnType } from "../event/column.ts";
import { columnTypes, type KindShape } from "./column_types.ts";
import {
  type Aggregate,
  aggregateParts,
  keyHoldsPartition,
  type WindowDefinition,
} from "./window_definition.ts";

/** Entries of a `top` list in the view, where the definition names no limit. */
const VIEW_ENTRIES = 10;

const TOP_TYPE: ColumnType = {
  list: {
    struct: [
      { name: "value", type: "string", doc: "The value." },
      { name: "count", type: "long", doc: "How often it came." },
    ],
  },
};

/** Columns of `analytics.<name>_revisions`, in the order of its rows. */
export function windowColumns(window: WindowDefinition, kind: KindShape): Column[] {
  const types = columnTypes(kind);
  const key = window.key.map((name): Column => ({
    name,
    type: known(types.of(name)),
    doc: kind.columns.find((column) => column.name === name)?.doc ?? "Part of the window's key.",
  }));
  return [
    {
      name: "window_id",
      type: "string",
      doc: "Hash of name, key, start and partition; a session's never changes.",
    },
    ...key,
    { name: "window_start", type: "timestamp", doc: "Beginning of the window, in UTC; belongs to it." },
    { name: "window_end", type: "timestamp", doc: "End of the window, in UTC; does not belong to it." },
    { name: "log_partition", type: "int", doc: "Partition of the log whose events were counted." },
    { name: "revision", type: "long", doc: "1 for the first writing; the highest counts." },
    {
      name: "is_final",
      type: "boolean",
      doc: "Whether the watermark had reached the end when it was written.",
    },
    ...window.kind === "session" ? [MERGED_INTO] : [],
    ...Object.entries(window.aggregates).flatMap(([name, aggregate]) => [
      aggregateColumn(name, aggregate),
      ..."avg" in aggregate && !keyHoldsPartition(window.key, kind) ? averageParts(name) : [],
    ]),
    ...window.kind === "session" ? SESSION_COLUMNS : [],
  ];
}

/** A partition makes rows, which have names alone; whoever makes the table knows the type. */
function known(type: ColumnType | "any" | undefined): ColumnType {
  if (type === undefined) throw new TypeError("a window was read whose key names no column");
  return type === "any" ? "string" : type;
}

const MERGED_INTO: Column = {
  name: "merged_into",
  type: "string",
  doc: "The session that this one became part of; its counts are then zero.",
};

const SESSION_COLUMNS: readonly Column[] = [
  { name: "started_at", type: "timestamp", doc: "Event time of the session's first event." },
  { name: "last_event_at", type: "timestamp", doc: "Event time of its last event." },
  { name: "duration_ms", type: "long", doc: "From the first to the last event, in milliseconds." },
];

function averageParts(name: string): Column[] {
  return [
    { name: `${name}_sum`, type: "decimal(38, 4)", doc: `Sum of which ${name} is the average.` },
    { name: `${name}_count`, type: "long", doc: `How many values ${name} is the average of.` },
  ];
}

function aggregateColumn(name: string, aggregate: Aggregate): Column {
  const { function: name_of, field } = aggregateParts(aggregate);
  const of = field === null ? "events" : field;
  const filtered = aggregate.where === undefined ? "" : " where the aggregate's filter holds";
  switch (name_of) {
    case "count":
      return {
        name,
        type: "long",
        doc: `How many ${field === null ? "events" : `events with ${of}`}${filtered}.`,
      };
    case "sum":
      return { name, type: "decimal(38, 4)", doc: `Sum of ${of}${filtered}.` };
    case "avg":
      return { name, type: "double", doc: `Average of ${of}${filtered}.` };
    case "min":
      return { name, type: "decimal(18, 4)", doc: `Smallest ${of}${filtered}.` };
    case "max":
      return { name, type: "decimal(18, 4)", doc: `Largest ${of}${filtered}.` };
    case "distinct":
      return { name, type: "long", doc: `How many different values of ${of}${filtered}.` };
    case "top":
      return { name, type: TOP_TYPE, doc: `Most frequent values of ${of}${filtered}, with their counts.` };
  }
}

/** `select` of the view `analytics.<name>` over `revisions` (the name of the revisions' table). */
export function windowViewSql(window: WindowDefinition, kind: KindShape, revisions: string): string {
  const columns = windowColumns(window, kind).map(({ name }) => name);
  const newest =
    `select *, row_number() over (partition by window_id order by revision desc) as nth from ${revisions}`;
  const merged = window.kind === "session" ? " and merged_into is null" : "";
  if (keyHoldsPartition(window.key, kind)) {
    const shown = columns.filter((name) => name !== "merged_into").map((name) => shownColumn(name, window));
    return `select ${shown.join(", ")} from (${newest}) where nth = 1${merged}`;
  }
  return broughtTogether(window, newest);
}

function shownColumn(name: string, window: WindowDefinition): string {
  const aggregate = window.aggregates[name];
  return aggregate !== undefined && "top" in aggregate
    ? `list_slice(${quoted(name)}, 1, ${aggregate.limit ?? VIEW_ENTRIES}) as ${quoted(name)}`
    : quoted(name);
}

/** One row a window over all partitions. Lists are taken apart, added up, and put together in order again. */
function broughtTogether(window: WindowDefinition, newest: string): string {
  const place = [...window.key, "window_start", "window_end"].map(quoted);
  const aggregates = Object.entries(window.aggregates);
  const tops = aggregates.filter(([, aggregate]) => "top" in aggregate);
  const columns = aggregates.filter(([, aggregate]) => !("top" in aggregate))
    .map(([name, aggregate]) => `${added(name, aggregate)} as ${quoted(name)}`);
  const parts = [
    `newest as (select * from (${newest}) where nth = 1)`,
    `together as (select ${
      [...place, "sum(revision)::BIGINT as revision", "bool_and(is_final) as is_final", ...columns].join(", ")
    } from newest group by ${place.join(", ")})`,
    ...tops.map(([name, aggregate], index) => topPart(`top${index}`, name, limitOf(aggregate), place)),
  ];
  const joins = tops.map((_, index) =>
    ` left join top${index} on ${
      place.map((column) => `top${index}.${column} is not distinct from together.${column}`).join(" and ")
    }`
  );
  const shown = [
    ...place.map((column) => `together.${column}`),
    "together.revision",
    "together.is_final",
    ...aggregates.map(([name, aggregate]) => {
      const index = tops.findIndex(([top]) => top === name);
      return "top" in aggregate
        ? `coalesce(top${index}.entries, []) as ${quoted(name)}`
        : `together.${quoted(name)}`;
    }),
  ];
  return `with ${parts.join(", ")} select ${shown.join(", ")} from together${joins.join("")}`;
}

function added(name: string, aggregate: Aggregate): string {
  const column = quoted(name);
  switch (aggregateParts(aggregate).function) {
    case "count":
    case "distinct":
      return `sum(${column})::BIGINT`;
    case "sum":
      return `sum(${column})::DECIMAL(38, 4)`;
    case "avg":
      return `sum(${quoted(`${name}_sum`)})::DOUBLE / nullif(sum(${quoted(`${name}_count`)}), 0)`;
    case "min":
      return `min(${column})`;
    case "max":
      return `max(${column})`;
    case "top":
      return "null";
  }
}

function topPart(alias: string, name: string, limit: number, place: readonly string[]): string {
  const keys = place.join(", ");
  const entries = `select ${keys}, unnest(${quoted(name)}) as entry from newest`;
  const sums =
    `select ${keys}, entry['value'] as value, sum(entry['count'])::BIGINT as count from (${entries}) group by ${keys}, entry['value']`;
  const list = `list({'value': value, 'count': count} order by count desc, value)`;
  return `${alias} as (select ${keys}, list_slice(${list}, 1, ${limit}) as entries from (${sums}) group by ${keys})`;
}

function limitOf(aggregate: Aggregate): number {
  return "top" in aggregate ? aggregate.limit ?? VIEW_ENTRIES : VIEW_ENTRIES;
}

function quoted(name: string): string {
  return `"${name}"`;
}
