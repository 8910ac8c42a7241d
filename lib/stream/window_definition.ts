/** `windows.yaml`: which windows there are, read whole or refused whole with line and reason. */
import { z } from "zod";
import { decimalType } from "../event/cell.ts";
import type { ColumnType } from "../event/column.ts";
import { type ColumnTypes, columnTypes, type KindShape, type KindShapes } from "./column_types.ts";
import { PLACES } from "./decimal.ts";
import { type DefinitionIssue, issuesOf, readConfigYaml, refusal, versionOf } from "./definition_file.ts";
import { Duration } from "./duration.ts";
import { Where, whereIssues } from "./where.ts";

const Name = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, "is no name of lower-case letters, digits and _");
const Field = z.string().min(1);
const where = Where.optional();

const Aggregate = z.union([
  /** Rows, or rows that have the field. */
  z.strictObject({ count: z.union([z.literal("rows"), Field]), where }),
  z.strictObject({ sum: Field, where }),
  z.strictObject({ avg: Field, where }),
  z.strictObject({ min: Field, where }),
  z.strictObject({ max: Field, where }),
  z.strictObject({ distinct: Field, where }),
  /** `limit`: entries that the view shows; the table holds up to a thousand. */
  z.strictObject({ top: Field, limit: z.int().min(1).max(1000).optional(), where }),
]);
export type Aggregate = z.infer<typeof Aggregate>;
export type AggregateFunction = "count" | "sum" | "avg" | "min" | "max" | "distinct" | "top";

const wholeSeconds = Duration.refine((ms) => ms % 1000 === 0, { message: "is not whole seconds" });

const common = {
  name: Name,
  doc: z.string().optional(),
  over: z.string(),
  where,
  key: z.array(Field).max(8).default([]),
  aggregates: z.record(Name, Aggregate).refine((all) => Object.keys(all).length > 0, { message: "is empty" }),
  /** Whether revisions also go onto the topic `aggregates`. */
  publish: z.boolean().default(true),
  /** Writes a revision with is_final false whenever the watermark passes a multiple of it and something changed. */
  update_every: wholeSeconds.optional(),
};

const WindowDefinition = z.discriminatedUnion("kind", [
  z.strictObject({ ...common, kind: z.literal("tumbling"), size: wholeSeconds }),
  z.strictObject({ ...common, kind: z.literal("sliding"), size: wholeSeconds, slide: wholeSeconds }),
  z.strictObject({ ...common, kind: z.literal("session"), gap: Duration }),
]);

/** Times are milliseconds. `version` is the hash of the definition's own text. */
export type WindowDefinition = z.infer<typeof WindowDefinition> & { readonly version: string };
export type AlignedDefinition = Extract<WindowDefinition, { kind: "tumbling" | "sliding" }>;
export type SessionDefinition = Extract<WindowDefinition, { kind: "session" }>;

const MAX_WINDOWS = 100;
/** Windows that one moment belongs to, at most. */
const MAX_OVERLAP = 1440;

const WindowList = z.array(z.unknown()).max(MAX_WINDOWS);
const WindowFile = z.strictObject({ windows: WindowList.nullish() }).transform((file) => file.windows ?? []);

/** Reads the file's text, null when there is none; throws a Fault that names every line at fault. `windows` is what a `settings` record holds. */
export function readWindowFile(
  text: string | null,
  kinds: KindShapes,
): { windows: readonly unknown[]; definitions: WindowDefinition[] } {
  const what = "windows.yaml";
  const { value, lineOf } = readConfigYaml(what, text, "windows: []");
  const file = WindowFile.safeParse(value);
  if (!file.success) throw refusal(what, issuesOf(file.error), lineOf);
  const { definitions, issues } = parseWindows(file.data, kinds);
  if (issues.length > 0) {
    throw refusal(what, issues.map(({ path, message }) => ({ path: ["windows", ...path], message })), lineOf);
  }
  return { windows: file.data, definitions };
}

/** The list of a file or of a `settings` record. Issues' paths begin with the index. */
export function parseWindows(
  list: readonly unknown[],
  kinds: KindShapes,
): { definitions: WindowDefinition[]; issues: DefinitionIssue[] } {
  const issues: DefinitionIssue[] = [];
  const definitions: WindowDefinition[] = [];
  list.forEach((item, index) => {
    const parsed = WindowDefinition.safeParse(item);
    const found = parsed.success ? windowIssues(parsed.data, kinds) : issuesOf(parsed.error);
    issues.push(...found.map(({ path, message }) => ({ path: [index, ...path], message })));
    if (!parsed.success) return;
    if (definitions.some(({ name }) => name === parsed.data.name)) {
      issues.push({ path: [index, "name"], message: `${parsed.data.name} is there twice` });
    }
    if (found.length === 0) definitions.push({ ...parsed.data, version: versionOf(item) });
  });
  return { definitions, issues };
}

/** Tables of the stage that are no windows: ours, and the models that come with the program (models/). */
const TAKEN_NAMES = [
  "alerts",
  "deliveries",
  "acknowledgements",
  "quality_results",
  "anomaly_summary",
  "daily_merchant_revenue",
  "funnel",
  "hourly_volume",
  "merchant_rollup",
  "top_spenders",
];
/** Ends the name of a window's own table. */
const TABLE_ENDING = "_revisions";
const OWN_COLUMNS = [
  "window_id",
  "window_start",
  "window_end",
  "log_partition",
  "revision",
  "is_final",
  "merged_into",
  "started_at",
  "last_event_at",
  "duration_ms",
];
const GROUPABLE: readonly ColumnType[] = ["string", "int", "long", "boolean"];

function windowIssues(window: z.infer<typeof WindowDefinition>, kinds: KindShapes): DefinitionIssue[] {
  const kind = kinds.get(window.over);
  if (kind === undefined) {
    return [{
      path: ["over"],
      message: `${window.over} is no kind; there are ${[...kinds.keys()].join(", ")}`,
    }];
  }
  const columns = columnTypes(kind);
  const issues = [...whereIssues(window.where, columns).map(under("where"))];
  if (TAKEN_NAMES.includes(window.name)) {
    issues.push({ path: ["name"], message: "is the name of another table" });
  }
  if (window.name.endsWith(TABLE_ENDING)) {
    issues.push({ path: ["name"], message: `ends with ${TABLE_ENDING}, as the tables of windows do` });
  }
  window.key.forEach((field, index) => {
    const message = fieldFault(field, columns, GROUPABLE);
    if (message !== null) issues.push({ path: ["key", index], message });
    if (window.key.indexOf(field) !== index) issues.push({ path: ["key", index], message: "is there twice" });
  });
  issues.push(...timeIssues(window));
  const keyed = keyHoldsPartition(window.key, kind);
  if (window.kind === "session" && !keyed) {
    issues.push({ path: ["key"], message: "of a session must hold the partition field of the kind" });
  }
  for (const [name, aggregate] of Object.entries(window.aggregates)) {
    const found = [...aggregateIssues(aggregate, columns, keyed ? null : kind)];
    if (OWN_COLUMNS.includes(name) || window.key.includes(name)) {
      found.push({ path: [], message: "is the name of another column" });
    }
    issues.push(...found.map(({ path, message }) => ({ path: ["aggregates", name, ...path], message })));
  }
  return issues;
}

function under(key: PropertyKey): (issue: DefinitionIssue) => DefinitionIssue {
  return ({ path, message }) => ({ path: [key, ...path], message });
}

function timeIssues(window: z.infer<typeof WindowDefinition>): DefinitionIssue[] {
  if (window.kind !== "sliding") return [];
  if (window.size % window.slide !== 0) return [{ path: ["size"], message: "is no multiple of slide" }];
  return window.size / window.slide > MAX_OVERLAP
    ? [{ path: ["slide"], message: `puts a moment into more than ${MAX_OVERLAP} windows` }]
    : [];
}

/** Whether equal keys always are in one partition. */
export function keyHoldsPartition(key: readonly string[], kind: KindShape): boolean {
  return kind.partition.length === 1 && key.includes(kind.partition[0]);
}

/** The one function of an aggregate, and its field (null: rows). */
export function aggregateParts(aggregate: Aggregate): { function: AggregateFunction; field: string | null } {
  if ("count" in aggregate) {
    return { function: "count", field: aggregate.count === "rows" ? null : aggregate.count };
  }
  if ("sum" in aggregate) return { function: "sum", field: aggregate.sum };
  if ("avg" in aggregate) return { function: "avg", field: aggregate.avg };
  if ("min" in aggregate) return { function: "min", field: aggregate.min };
  if ("max" in aggregate) return { function: "max", field: aggregate.max };
  if ("distinct" in aggregate) return { function: "distinct", field: aggregate.distinct };
  return { function: "top", field: aggregate.top };
}

/** `spread` is the kind when equal keys may be in several partitions, else null. */
function aggregateIssues(
  aggregate: Aggregate,
  columns: ColumnTypes,
  spread: KindShape | null,
): DefinitionIssue[] {
  const issues = whereIssues(aggregate.where, columns).map(under("where"));
  const { function: name, field } = aggregateParts(aggregate);
  if (field === null) return issues;
  const groups = name === "distinct" || name === "top";
  const message = name === "count" && columns.of(field) !== undefined
    ? null
    : fieldFault(field, columns, groups ? GROUPABLE : "numeric");
  if (message !== null) issues.push({ path: [name], message });
  if (name !== "count" && !isExact(columns.of(field))) {
    const kept = `${MOST_WHOLE_DIGITS} digits and ${PLACES} decimals`;
    issues.push({ path: [name], message: `${field} has more than the ${kept} that windows keep exactly` });
  }
  if (
    name === "distinct" && spread !== null &&
    !(spread.partition.length === 1 && spread.partition[0] === field)
  ) {
    issues.push({
      path: [name],
      message:
        "cannot be brought together over partitions: the key lacks the partition field, and this is not it",
    });
  }
  return issues;
}

/** What a long has; more could not be added up without end (decimal.ts). */
const MOST_WHOLE_DIGITS = 19;

function isExact(type: ColumnType | "any" | undefined): boolean {
  const decimal = typeof type === "string" ? decimalType(type) : null;
  return decimal === null ||
    (decimal.scale <= PLACES && decimal.precision - decimal.scale <= MOST_WHOLE_DIGITS);
}

/** Why a field cannot be used so; null when it can, or when its type is not known here. */
export function fieldFault(
  field: string,
  columns: ColumnTypes,
  wanted: readonly ColumnType[] | "numeric",
): string | null {
  const type = columns.of(field);
  if (type === undefined) return `${field} is no column of the kind`;
  if (type === "any") return null;
  if (wanted === "numeric") {
    const numeric = type === "int" || type === "long" || type === "double" ||
      String(type).startsWith("decimal");
    return numeric ? null : `${field} is no number`;
  }
  return wanted.includes(type) ? null : `${field} is neither text nor a whole number`;
}
