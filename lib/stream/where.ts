/**
 * The filter language that windows and rules share.
 *
 *   where: { status: [completed, approved], amount: { above: 1000 }, country: { not: US }, any: [{...}, {...}] }
 *
 * All entries must hold; of `any`, one of the list. A plain value means "is", a list "is one of". Comparisons with an
 * absent value do not hold; `not` does, since absent is not the value.
 */
import { z } from "zod";
import type { Cell, Row } from "../event/column.ts";
import type { ColumnTypes } from "./column_types.ts";
import type { DefinitionIssue } from "./definition_file.ts";

const Scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const OneOrMore = z.union([Scalar, z.array(Scalar).min(1).max(1000)]);

const Comparison = z.strictObject({
  above: z.number().optional(),
  below: z.number().optional(),
  at_least: z.number().optional(),
  at_most: z.number().optional(),
  not: OneOrMore.optional(),
  present: z.boolean().optional(),
}).refine((comparison) => Object.keys(comparison).length > 0, { message: "says nothing" });

const Condition = z.union([Comparison, OneOrMore]);
type Condition = z.infer<typeof Condition>;

/** The entry whose value is a list of filters of which one must hold. */
const ANY = "any";

export interface Where {
  [field: string]: Condition | readonly Where[];
}

export const Where: z.ZodType<Where> = z.lazy(() =>
  z.record(z.string(), z.union([Condition, z.array(Where).min(1)])).superRefine((where, context) => {
    for (const [field, entry] of Object.entries(where)) {
      if (isFilterList(entry) === (field === ANY)) continue;
      const message = field === ANY
        ? "is no list of filters"
        : "is neither a value, nor a list of values, nor a comparison";
      context.addIssue({ code: "custom", path: [field], message });
    }
  })
);

function isFilterList(entry: Condition | readonly Where[]): entry is readonly Where[] {
  return Array.isArray(entry) && typeof entry[0] === "object" && entry[0] !== null;
}

export type Predicate = (row: Row) => boolean;

export const EVERYTHING: Predicate = () => true;

/** `where` as a function; without one, everything holds. */
export function predicate(where: Where | undefined): Predicate {
  const tests = Object.entries(where ?? {}).map(([field, entry]) =>
    field === ANY ? anyOf(filters(entry).map(predicate)) : fieldTest(field, entry)
  );
  switch (tests.length) {
    case 0:
      return EVERYTHING;
    case 1:
      return tests[0];
    default:
      return (row) => tests.every((test) => test(row));
  }
}

function filters(entry: Condition | readonly Where[]): readonly Where[] {
  return isFilterList(entry) ? entry : [];
}

function anyOf(tests: readonly Predicate[]): Predicate {
  return (row) => tests.some((test) => test(row));
}

function fieldTest(field: string, condition: Condition | readonly Where[]): Predicate {
  if (isFilterList(condition)) return EVERYTHING;
  if (!isComparison(condition)) {
    const test = isOneOf(condition);
    return (row) => test(row[field] ?? null);
  }
  const tests = comparisons(condition);
  return (row) => {
    const cell = row[field] ?? null;
    return tests.every((test) => test(cell));
  };
}

function isComparison(condition: Condition): condition is z.infer<typeof Comparison> {
  return typeof condition === "object" && condition !== null && !Array.isArray(condition);
}

type CellTest = (cell: Cell) => boolean;

function isOneOf(wanted: z.infer<typeof OneOrMore>): CellTest {
  if (Array.isArray(wanted)) {
    const tests = wanted.map(isOneOf);
    return (cell) => tests.some((test) => test(cell));
  }
  // A decimal cell is text; a number asked of it is compared by value.
  if (typeof wanted === "number") return (cell) => cell === wanted || numberOf(cell) === wanted;
  return (cell) => cell === wanted;
}

function comparisons(condition: z.infer<typeof Comparison>): CellTest[] {
  const { above, below, at_least, at_most, not, present } = condition;
  const tests: CellTest[] = [];
  if (above !== undefined) tests.push((cell) => numberOf(cell) > above);
  if (below !== undefined) tests.push((cell) => numberOf(cell) < below);
  if (at_least !== undefined) tests.push((cell) => numberOf(cell) >= at_least);
  if (at_most !== undefined) tests.push((cell) => numberOf(cell) <= at_most);
  if (present !== undefined) tests.push((cell) => (cell !== null) === present);
  if (not !== undefined) {
    const test = isOneOf(not);
    tests.push((cell) => !test(cell));
  }
  return tests;
}

/** NaN, with which no comparison holds, for what is no number. */
function numberOf(cell: Cell): number {
  if (typeof cell === "number") return cell;
  return typeof cell === "string" && cell !== "" ? Number(cell) : NaN;
}

/** The columns that `where` asks for. */
export function whereFields(where: Where | undefined): string[] {
  return Object.entries(where ?? {}).flatMap(([field, entry]) =>
    field === ANY ? filters(entry).flatMap(whereFields) : [field]
  );
}

/** What `where` names that the columns do not have. */
export function whereIssues(
  where: Where | undefined,
  columns: ColumnTypes,
): DefinitionIssue[] {
  return Object.entries(where ?? {}).flatMap(([field, entry]): DefinitionIssue[] => {
    if (field === ANY) {
      return filters(entry).flatMap((one, index) =>
        whereIssues(one, columns).map(({ path, message }) => ({ path: [ANY, index, ...path], message }))
      );
    }
    return columns.of(field) !== undefined ? [] : [{ path: [field], message: "is no column of the kind" }];
  });
}
