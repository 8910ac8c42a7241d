/** What a program's own engine answers over HTTP, as anybody would ask it. */
import { strictEqual } from "node:assert/strict";
import type { Program } from "./program.ts";

const MOST_ROWS = 1_000_000;

export async function askedRows({ url }: Pick<Program, "url">, sql: string): Promise<unknown[][]> {
  const answer = await fetch(`${url}/api/query`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ sql, limit: MOST_ROWS }),
  });
  const result = await answer.json();
  strictEqual(answer.status, 200, JSON.stringify(result));
  return result.rows;
}
