import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import { duckdbType, relationStatements } from "../../lib/query/relation_sql.ts";

Deno.test("duckdbType knows every Iceberg type", () => {
  const item = {
    type: "struct",
    fields: [{ id: 8, name: "value", type: "string" }, { id: 9, name: 'co"unt', type: "long" }],
  };
  deepStrictEqual(
    [
      ...["boolean", "int", "long", "double", "decimal(18, 4)", "timestamp", "date", "fixed[16]"],
      { type: "list", "element-id": 7, element: item },
      { type: "map", key: "string", value: "double" },
    ].map(duckdbType),
    [
      ...["BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DECIMAL(18, 4)", "TIMESTAMP", "DATE", "BLOB"],
      'STRUCT("value" VARCHAR, "co""unt" BIGINT)[]',
      "MAP(VARCHAR, DOUBLE)",
    ],
  );
  for (const wrong of ["variant", "int); DROP TABLE x", "constructor", null, { type: "union" }]) {
    throws(() => duckdbType(wrong), TypeError);
  }
});

Deno.test("names of any kind stay names", async () => {
  const folder = await Deno.makeTempDir();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const path = `${folder}/it's "odd".parquet`;
  await connection.run(
    `COPY (SELECT 1 AS a, [{'value': 'x', 'count': 2}] AS top) TO '${path.replaceAll("'", "''")}'
    (FORMAT parquet, FIELD_IDS {a: 1, top: {__duckdb_field_id: 2, element: {__duckdb_field_id: 3, value: 4, count: 5}}})`,
  );
  const top = {
    type: "list",
    element: { type: "struct", fields: [{ name: "value", type: "string" }, { name: "count", type: "long" }] },
  };
  const columns = [{ id: 1, name: `it's "a"`, type: "long" }, { id: 2, name: "top", type: top }];
  const statements = relationStatements([
    {
      kind: "view",
      name: "raw.v",
      sql: `SELECT * FROM processed."it's" UNION ALL SELECT * FROM processed.none`,
    },
    { kind: "files", name: "processed.it's", columns, paths: [path] },
    { kind: "files", name: "processed.none", columns, paths: [] },
  ]);
  for (const statement of statements) await connection.run(statement);
  const reader = await connection.runAndReadAll("SELECT * FROM raw.v");
  deepStrictEqual(reader.getRowObjectsJson(), [{ [`it's "a"`]: "1", top: [{ value: "x", count: "2" }] }]);
  throws(() => relationStatements([{ kind: "view", name: "bare", sql: "SELECT 1" }]), TypeError);
  strictEqual(statements.length, 5);
  connection.closeSync();
  instance.closeSync();
  await Deno.remove(folder, { recursive: true });
});
