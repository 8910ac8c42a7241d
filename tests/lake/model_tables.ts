/** The lake's tables in a DuckDB of their own, empty, for models and checks to be tried on. */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { Column, ColumnType } from "../../lib/event/column.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { lakeTables } from "../../lib/lake/tables.ts";
import { duckdbType, quoteName } from "../../lib/query/relation_sql.ts";

export class ModelTables implements Disposable {
  private constructor(private instance: DuckDBInstance, private connection: DuckDBConnection) {}

  static async open(): Promise<ModelTables> {
    const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
    const tables = new ModelTables(instance, await instance.connect());
    await tables.run("SET TimeZone = 'UTC'");
    for (const schema of ["raw", "processed", "analytics"]) await tables.run(`CREATE SCHEMA ${schema}`);
    for (const { key, columns } of lakeTables(kindsOf(), [])) {
      const fields = columns.map((column) => `${quoteName(column.name)} ${typeText(column)}`);
      await tables.run(`CREATE TABLE ${key} (${fields.join(", ")})`);
    }
    return tables;
  }

  async run(sql: string): Promise<void> {
    await this.connection.run(sql);
  }

  /** Rows as JSON values; big integers and decimals as text. */
  async rows(sql: string): Promise<unknown[][]> {
    return (await this.connection.runAndReadAll(sql)).getRowsJson() as unknown[][];
  }

  async objects(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
  }

  /** Rows that one side has and the other lacks. */
  async difference(left: string, right: string): Promise<unknown[][]> {
    return [
      ...await this.rows(`(${left}) EXCEPT ALL (${right})`),
      ...await this.rows(`(${right}) EXCEPT ALL (${left})`),
    ];
  }

  [Symbol.dispose](): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }
}

function typeText(column: Column): string {
  return duckdbType(withForm(column.type));
}

/** Columns write nested types shorter than Iceberg does. */
function withForm(type: ColumnType): unknown {
  if (typeof type === "string") return type;
  if ("list" in type) return { type: "list", element: withForm(type.list) };
  if ("map" in type) return { type: "map", key: "string", value: withForm(type.map) };
  const fields = type.struct.map((column) => ({ name: column.name, type: withForm(column.type) }));
  return { type: "struct", fields };
}
