/** Every table of the lake in a DuckDB in memory, and the engine's port over it, for tests of SQL that routes write. */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { kindsOf } from "../../lib/event/kinds.ts";
import { numberFields } from "../../lib/iceberg/schema.ts";
import type { TableName } from "../../lib/iceberg/catalog.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { lakeTables } from "../../lib/lake/tables.ts";
import { guard } from "../../lib/query/guard.ts";
import { cellOf } from "../../lib/query/cells.ts";
import { duckdbType, quoteName, quoteText } from "../../lib/query/relation_sql.ts";
import type { LakeQuery } from "../../routes/query.ts";

export interface TestTables extends Disposable {
  query: LakeQuery;
  catalog: { list(): Promise<TableName[]> };
  /** Columns that a row leaves out are null. */
  insert(table: string, rows: readonly Record<string, unknown>[]): Promise<void>;
}

/** `missing` tables are not made, as before their first row. */
export async function testTables(missing: readonly string[] = []): Promise<TestTables> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const tables = lakeTables(kindsOf(), []).filter(({ key }) => !missing.includes(key));
  for (const stage of ["raw", "processed", "analytics"]) await connection.run(`CREATE SCHEMA ${stage}`);
  await connection.run("SET TimeZone = 'UTC'");
  for (const { key, columns } of tables) {
    const fields = numberFields(columns).fields.map(({ name, type }) =>
      `${quoteName(name)} ${duckdbType(type)}`
    );
    await connection.run(`CREATE TABLE ${key} (${fields.join(", ")})`);
  }
  return {
    query: { run: (request) => run(connection, request, tables.map(({ key }) => key)) },
    catalog: { list: () => Promise.resolve(tables.map(({ key }) => parseTableKey(key))) },
    async insert(table, rows) {
      for (const row of rows) {
        const names = Object.keys(row).map(quoteName).join(", ");
        const values = Object.values(row).map(literal).join(", ");
        await connection.run(`INSERT INTO ${table} (${names}) VALUES (${values})`);
      }
    },
    [Symbol.dispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** What a route asks must pass the guard that strangers' queries pass. */
async function run(
  connection: DuckDBConnection,
  { sql, limit }: { sql: string; limit: number },
  names: readonly string[],
) {
  await guard(sql, names, async (one) => {
    const tree = await connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [one]);
    return String(tree.getRows()[0][0]);
  });
  const reader = await connection.runAndReadAll(sql);
  const types = reader.columnTypes();
  const columns = reader.columnNames().map((name, at) => ({ name, type: String(types[at]) }));
  const rows = reader.getRows().map((row) => row.map(cellOf));
  return { columns, rows: rows.slice(0, limit), truncated: rows.length > limit, elapsed_ms: 0 };
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "string") return quoteText(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (value instanceof Map) {
    const pairs = [...value].map(([key, one]) => `${literal(key)}: ${literal(one)}`);
    return `MAP {${pairs.join(", ")}}`;
  }
  if (typeof value !== "object") return String(value);
  return `{${Object.entries(value).map(([name, one]) => `${quoteText(name)}: ${literal(one)}`).join(", ")}}`;
}
