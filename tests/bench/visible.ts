/**
 * How long a landing took, told from what the programs say (LOG_LEVEL=debug for who publishes): from the first claim of an
 * owner until all rows are visible. So no look takes time from them, and none is waited for.
 */
import type { Program } from "../program.ts";
import { said, type SaidLine } from "../said.ts";
import { eventually } from "../waiting.ts";

const TABLES: readonly unknown[] = ["raw.events", "processed.transactions"];

type Lines = Pick<Program, "lines">;

/** Waits until `records` rows stand in both tables. */
export async function landingSeconds(owners: Lines, publisher: Lines, records: number): Promise<number> {
  const ended_ms = await visibleAt(publisher, records);
  const began_ms = Math.min(...said(owners, "claimed").map(({ time }) => Date.parse(time)));
  return (ended_ms - began_ms) / 1000;
}

async function visibleAt(program: Lines, records: number): Promise<number> {
  const published = () => said(program, "published").filter(({ table }) => TABLES.includes(table));
  const lines = await eventually(published, (all) => rowsOf(all) >= TABLES.length * records);
  return Math.max(...lines.map(({ time }) => Date.parse(time)));
}

function rowsOf(lines: readonly SaidLine[]): number {
  return lines.reduce((sum, { rows }) => sum + Number(rows), 0);
}
