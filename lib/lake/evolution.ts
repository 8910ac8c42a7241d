/**
 * How the columns of a kind's table were changed by hand (`main.ts evolve`): the list stands in the table's properties,
 * in the `schema` records on the log, and in the state of every partition, always whole and in order.
 */
import { z } from "zod";
import type { TableMetadata } from "../iceberg/metadata.ts";

export const EVOLUTION = "millrace.evolution";

const Change = z.discriminatedUnion("change", [
  z.strictObject({
    change: z.literal("add"),
    column: z.strictObject({ name: z.string(), type: z.string(), doc: z.string().optional() }),
  }),
  z.strictObject({ change: z.literal("widen"), name: z.string(), type: z.string() }),
  z.strictObject({ change: z.literal("rename"), name: z.string(), to: z.string() }),
  z.strictObject({ change: z.literal("drop"), name: z.string() }),
]);
export type ColumnChange = z.infer<typeof Change>;

const Changes = z.array(Change);

export function evolutionOf({ properties }: TableMetadata): readonly ColumnChange[] {
  const text = properties[EVOLUTION];
  return text === undefined ? [] : Changes.parse(JSON.parse(text));
}

/** Columns of the program that the table no longer has under their name. */
export function retiredColumns(metadata: TableMetadata): ReadonlySet<string> {
  const changes = evolutionOf(metadata);
  return new Set(
    changes.flatMap((one) => one.change === "rename" || one.change === "drop" ? [one.name] : []),
  );
}
