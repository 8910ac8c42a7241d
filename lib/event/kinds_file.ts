/** `config/kinds.yaml`: kinds of your own, by the same machinery as those that come with the program. */
import { z } from "zod";
import { type DefinitionIssue, issuesOf, readConfigYaml, refusal } from "../stream/definition_file.ts";
import { COMMON_COLUMNS } from "./common_columns.ts";
import { type Field, FIELD_TYPES } from "./field.ts";
import type { JsonObject } from "./json_text.ts";
import { defineKind, type Kind } from "./kind.ts";
import { ANY_EVENT, SHIPPED_KINDS } from "./kinds.ts";

const WHAT = "kinds.yaml";
const Name = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, "is no name: a-z, 0-9, _, beginning with a letter");
const Sentence = z.string().min(1).max(500);

const OwnField = z.strictObject({
  name: Name,
  type: z.enum(FIELD_TYPES),
  doc: Sentence,
  optional: z.boolean().optional(),
  alias: Name.optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  values: z.array(z.string()).min(1).max(1000).optional(),
  normal: z.enum(["trim_lower"]).optional(),
});

const OwnKind = z.strictObject({
  name: Name,
  table: Name.optional(),
  doc: Sentence,
  partition: z.array(Name).max(5).default([]),
  fields: z.array(OwnField).min(1).max(200),
  example: z.record(z.string(), z.unknown()).optional(),
});

const File = z.strictObject({ kinds: z.array(OwnKind).max(100).nullable().optional() });
type OwnKind = z.output<typeof OwnKind>;

/** Names with a meaning of their own on the way of a record. */
const RESERVED_KINDS = [ANY_EVENT, "cloudevents", "tick", "rules", "settings", "ack", "schema"];
const RESERVED_TABLES = ["dead_letters", "late_events", "payments"];
const RESERVED_FIELDS = ["timestamp", ...COMMON_COLUMNS.map((column) => column.name)];

/** The kinds of the file, null when there is none; throws a Fault that names every fault with its line. */
export function readKindsFile(text: string | null): Kind[] {
  const { value, lineOf } = readConfigYaml(WHAT, text, "kinds: []");
  const parsed = File.safeParse(value);
  if (!parsed.success) throw refusal(WHAT, issuesOf(parsed.error), lineOf);
  const kinds = parsed.data.kinds ?? [];
  const issues = [
    ...repeated(kinds.map((kind) => kind.name), [
      ...RESERVED_KINDS,
      ...SHIPPED_KINDS.map((kind) => kind.name),
    ])
      .map((at) => issue(["kinds", at, "name"], "is taken")),
    ...repeated(kinds.map(tableOf), [...RESERVED_TABLES, ...SHIPPED_KINDS.map((kind) => kind.table)])
      .map((at) => issue(["kinds", at, "table"], "is taken")),
    ...kinds.flatMap(issuesOfKind),
  ];
  if (issues.length > 0) throw refusal(WHAT, issues, lineOf);
  return kinds.map((kind) =>
    defineKind({ ...kind, table: tableOf(kind), example: { ...exampleOf(kind.fields), ...kind.example } })
  );
}

function tableOf(kind: OwnKind): string {
  return kind.table ?? kind.name;
}

function issue(path: readonly PropertyKey[], message: string): DefinitionIssue {
  return { path, message };
}

/** Places of names that are taken, by the list or by one before. */
function repeated(names: readonly string[], taken: readonly string[]): number[] {
  const seen = new Set(taken);
  return names.flatMap((name, at) => seen.size === seen.add(name).size ? [at] : []);
}

function issuesOfKind(kind: OwnKind, at: number): DefinitionIssue[] {
  const path = ["kinds", at];
  const names = kind.fields.map((field) => field.name);
  return [
    ...repeated(names, RESERVED_FIELDS).map((index) =>
      issue([...path, "fields", index, "name"], "is taken: every kind has it, or it stands here twice")
    ),
    ...kind.fields.flatMap(({ alias }, index) =>
      alias !== undefined && [...names, ...RESERVED_FIELDS].includes(alias)
        ? [issue([...path, "fields", index, "alias"], "is the name of a field")]
        : []
    ),
    ...kind.partition.flatMap((name, index) =>
      names.includes(name) ? [] : [issue([...path, "partition", index], "is no field of the kind")]
    ),
    ...kind.fields.flatMap((field, index) => issuesOfField(field, [...path, "fields", index])),
    ...(kind.example === undefined ? [] : issuesOfExample(kind, [...path, "example"])),
  ];
}

function issuesOfField(field: Field, path: readonly PropertyKey[]): DefinitionIssue[] {
  const is_numeric = field.type === "number" || field.type === "integer";
  const issues: DefinitionIssue[] = [];
  if ((field.type === "enum") !== (field.values !== undefined)) {
    issues.push(issue([...path, "values"], "belong to an enum, and to nothing else"));
  }
  if (!is_numeric && (field.min !== undefined || field.max !== undefined)) {
    issues.push(issue([...path, field.min === undefined ? "max" : "min"], "is for a number or an integer"));
  }
  if (field.min !== undefined && field.max !== undefined && field.min > field.max) {
    issues.push(issue([...path, "min"], "is above max"));
  }
  if (field.normal !== undefined && field.type !== "text") {
    issues.push(issue([...path, "normal"], "is for a text"));
  }
  return issues;
}

/** An example is documentation that people copy, so it must be an event of the kind. */
function issuesOfExample(kind: OwnKind, path: readonly PropertyKey[]): DefinitionIssue[] {
  const example = { ...exampleOf([]), ...kind.example };
  const checked = defineKind({ ...kind, table: tableOf(kind), example }).check(example);
  if (checked.ok) return [];
  return checked.faults.map(({ field, code }) => issue([...path, field], `is no event of the kind: ${code}`));
}

function exampleOf(fields: readonly Field[]): JsonObject {
  const entries = fields.filter((field) => !field.optional).map((field) => [field.name, exampleValue(field)]);
  return { event_id: "evt_1", timestamp: "2026-01-31T09:30:00Z", ...Object.fromEntries(entries) };
}

function exampleValue({ type, name, min, max, values = [] }: Field): unknown {
  switch (type) {
    case "id":
    case "text":
      return `${name}_1`;
    case "enum":
      return values[0];
    case "timestamp":
      return "2026-01-31T09:30:00Z";
    case "amount":
      return "19.99";
    case "currency":
      return "EUR";
    case "country":
      return "DE";
    case "number":
      return min ?? Math.min(1, max ?? 1);
    case "integer":
      return Math.ceil(min ?? Math.min(1, max ?? 1));
    case "boolean":
      return true;
    case "object":
      return {};
  }
}
