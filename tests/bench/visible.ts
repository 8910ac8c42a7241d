/** When all rows of a landing were visible, told from what the publishing program says (LOG_LEVEL=debug): no looks, no waits between them. */
import type { Program } from "../program.ts";
import { said, type SaidLine } from "../said.ts";
import { eventually } from "../waiting.ts";

const TABLES: readonly unknown[] = ["raw.events", "processed.transactions"];

/** Milliseconds since 1970; waits until `records` rows stand in both tables. */
export async function visibleAt(program: Pick<Program, "lines">, records: number): Promise<number> {
  const published = () => said(program, "published").filter(({ table }) => TABLES.includes(table));
  const lines = await eventually(published, (all) => rowsOf(all) >= TABLES.length * records);
  return Math.max(...lines.map(({ time }) => Date.parse(time)));
}

function rowsOf(lines: readonly SaidLine[]): number {
  return lines.reduce((sum, { rows }) => sum + Number(rows), 0);
}
