/** Questions of our own over the lake: SQL put together from checked parts, answered as objects by column. */
import type { Catalog } from "../lib/iceberg/catalog.ts";
import { quoteText } from "../lib/query/relation_sql.ts";
import type { LakeQuery } from "./query.ts";

export type Item = Record<string, unknown>;

export interface LakeQuestion {
  sql: string;
  /** Tables without which there is nothing to tell yet. */
  needs: readonly string[];
  limit: number;
}

export class LakeSql {
  constructor(readonly query: LakeQuery, readonly catalog: Pick<Catalog, "list">) {}

  /** The rows; none while one of the tables is not there. */
  async items({ sql, needs, limit }: LakeQuestion, signal?: AbortSignal): Promise<Item[]> {
    const there = await this.tables();
    if (!needs.every((name) => there.has(name))) return [];
    const { columns, rows } = await this.query.run({ sql, limit }, signal);
    return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
  }

  /** `stage.table` of every table that exists. */
  async tables(): Promise<ReadonlySet<string>> {
    return new Set((await this.catalog.list()).map(({ stage, name }) => `${stage}.${name}`));
  }
}

/** A text literal. */
export const text = quoteText;

/** A timestamp literal of milliseconds since 1970. */
export function timestamp(ms: number): string {
  return `TIMESTAMP ${quoteText(new Date(ms).toISOString().slice(0, -1))}`;
}

/** A timestamp literal of what an earlier answer said, digits and all. */
export function sameTimestamp(iso: string): string {
  return `TIMESTAMP ${quoteText(iso.replace(/Z$/, ""))}`;
}

/** The conditions that hold together; none means everything. */
export function all(...conditions: readonly (string | null)[]): string {
  return conditions.filter((one) => one !== null).map((one) => `(${one})`).join(" AND ") || "true";
}

/** Behind the last item of a list that descends by two columns. */
export function behind(first: string, second: string, after: { first: string; second: string } | null) {
  if (after === null) return null;
  return `${first} < ${after.first} OR (${first} = ${after.first} AND ${second} < ${after.second})`;
}
