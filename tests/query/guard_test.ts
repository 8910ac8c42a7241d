import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { Fault } from "../../lib/errors.ts";
import { mayCall, mayCallAsTable } from "../../lib/query/functions.ts";
import { guard, MAX_SQL_BYTES } from "../../lib/query/guard.ts";

const RELATIONS = ["processed.transactions", "analytics.alerts", "raw.events"];

/** Judges with the real parser, as the query process does. */
class Judge implements Disposable {
  private constructor(private instance: DuckDBInstance, private connection: DuckDBConnection) {}

  static async open(): Promise<Judge> {
    const instance = await DuckDBInstance.create(":memory:");
    return new Judge(instance, await instance.connect());
  }

  /** The fault of a text, null when it may run. */
  async faultOf(sql: string): Promise<Fault | null> {
    try {
      await guard(sql, RELATIONS, async (text) => {
        const reader = await this.connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [text]);
        return String(reader.getRows()[0][0]);
      });
      return null;
    } catch (error) {
      if (error instanceof Fault) return error;
      throw error;
    }
  }

  async verdicts(statements: readonly string[]): Promise<Record<string, string>> {
    const verdicts: Record<string, string> = {};
    for (const sql of statements) verdicts[sql] = (await this.faultOf(sql))?.code ?? "runs";
    return verdicts;
  }

  async functions(where: string): Promise<string[]> {
    const reader = await this.connection.runAndReadAll(
      `SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE ${where} ORDER BY 1`,
    );
    return reader.getRows().map((row) => String(row[0]));
  }

  [Symbol.dispose](): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }
}

const all = (statements: readonly string[], verdict: string) =>
  Object.fromEntries(statements.map((sql) => [sql, verdict]));

const REFUSED = [
  "SELECT * FROM read_csv('/etc/passwd')",
  "SELECT * FROM read_text('/etc/passwd')",
  "SELECT * FROM read_blob('/etc/passwd')",
  "SELECT content FROM main.read_text('/etc/passwd')",
  "SELECT * FROM glob('/*')",
  "SELECT * FROM sniff_csv('/etc/passwd')",
  "SELECT * FROM 'file.parquet'",
  "FROM 'file.parquet'",
  'WITH "x.parquet" AS (SELECT * FROM "x.parquet") SELECT * FROM "x.parquet"',
  "FROM 'https://example.com/file.parquet'",
  'FROM "s3://bucket/file.parquet"',
  'WITH "x.csv" AS (SELECT 1) SELECT (SELECT 1), * FROM (SELECT 2) a, (SELECT * FROM "y.csv") b',
  'SELECT * FROM (WITH "x.csv" AS (SELECT 1) FROM "x.csv") a, \'x.csv\' b',
  "SELECT * FROM parquet_metadata('/data/x.parquet')",
  "SELECT * FROM parquet_schema('x')",
  "DESCRIBE SELECT * FROM read_parquet('x')",
  "DESCRIBE 'x.parquet'",
  "SUMMARIZE 'x.parquet'",
  "EXPLAIN SELECT * FROM read_csv('x')",
  "PIVOT read_csv('x') ON a USING sum(b)",
  "PIVOT transactions ON getenv(country) USING count(*)",
  "PIVOT transactions ON country USING count(*); COPY transactions TO 'x'",
  "SELECT (SELECT content FROM read_text('/etc/passwd'))",
  "SELECT * FROM transactions WHERE user_id IN (SELECT content FROM read_text('x'))",
  "SELECT * FROM transactions ORDER BY (SELECT content FROM read_text('x'))",
  "SELECT * FROM transactions LIMIT (SELECT count(*) FROM glob('*'))",
  "SELECT sum(amount) OVER (ORDER BY getenv('HOME')) FROM transactions",
  "SELECT list_transform([1], x -> getenv('HOME'))",
  "SELECT getenv('HOME')",
  "SELECT GetEnv('HOME')",
  "SELECT \"getenv\"('HOME')",
  "SELECT system.main.current_setting('threads')",
  "SELECT current_setting('s3_secret_access_key')",
  "SELECT getvariable('x')",
  "SELECT nextval('x')",
  "SELECT write_log('x')",
  "SELECT json_serialize_plan('SELECT * FROM read_csv(''x'')')",
  "FROM json_execute_serialized_sql('x')",
  "FROM query('SELECT 1')",
  "FROM query_table('transactions')",
  "FROM duckdb_settings()",
  "FROM duckdb_secrets()",
  "FROM pragma_version()",
  "FROM which_secret('x', 's3')",
  "SHOW databases",
  "SHOW variables",
  "COPY transactions TO 'x.csv'",
  "COPY (SELECT 1) TO 'x.csv'",
  "COPY (PIVOT transactions ON country USING count(*)) TO 'x.csv'",
  "EXPORT DATABASE 'x'",
  "IMPORT DATABASE 'x'",
  "ATTACH 'x.db'",
  "DETACH x",
  "USE x",
  "INSTALL httpfs",
  "LOAD httpfs",
  "FORCE INSTALL httpfs",
  "SET threads = 1",
  "SET VARIABLE x = 1",
  "RESET threads",
  "PRAGMA version",
  "PRAGMA database_list",
  "CALL pragma_version()",
  "CREATE SECRET s (TYPE s3)",
  "CREATE TABLE x (a INT)",
  "CREATE VIEW x AS SELECT 1",
  "CREATE MACRO f(x) AS x",
  "DROP TABLE transactions",
  "ALTER TABLE transactions ADD COLUMN x INT",
  "INSERT INTO transactions VALUES (1)",
  "UPDATE transactions SET a = 1",
  "DELETE FROM transactions",
  "MERGE INTO transactions USING alerts ON true WHEN MATCHED THEN DELETE",
  "TRUNCATE transactions",
  "WITH x AS (DELETE FROM transactions RETURNING *) SELECT * FROM x",
  "EXPLAIN ANALYZE DELETE FROM transactions",
  "EXPLAIN DELETE FROM transactions",
  "EXPLAIN (FORMAT json) DELETE FROM transactions",
  "EXPLAIN ANALYZE COPY transactions TO 'x'",
  "PREPARE p AS SELECT 1",
  "EXECUTE p",
  "CHECKPOINT",
  "VACUUM",
  "BEGIN",
  "SELECT 1; SELECT 2",
  "SELECT 1;; SELECT 2;",
  "SELECT 1 /* ; */; -- x\nDELETE FROM transactions",
  "SELECT 1 --\n; DROP TABLE transactions",
  "SELECT 'a\0b'",
];

const HARMLESS = [
  "SELECT created_at FROM transactions",
  "SELECT replace(x, 'a', 'b') FROM transactions",
  "SELECT 'please delete', 'copy to', 'attach; install'",
  "-- a comment; with a semicolon\nSELECT 1",
  "/* one /* nested */ ; */ SELECT 1",
  "SELECT ';'",
  "SELECT 1;",
  "SELECT 1 ; -- done",
  "SELECT $tag$ ; $tag$",
  "SELECT e'\\';'",
  "WITH x AS (SELECT 1 AS a) SELECT * FROM x",
  "WITH x AS (SELECT 1 AS a), y AS (SELECT * FROM x) SELECT * FROM y",
  "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 9) FROM r",
  "WITH x AS (SELECT 1), y AS (FROM x) FROM x UNION ALL (FROM y EXCEPT FROM x)",
  "WITH transactions AS (SELECT * FROM transactions) SELECT * FROM transactions",
  "WITH x AS (SELECT 1) SELECT * FROM (WITH x AS (SELECT * FROM X) FROM x), (SELECT * FROM (FROM x))",
  "WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + 1 FROM (SELECT * FROM R) WHERE n < 9) FROM r ORDER BY (FROM r)",
  "DESCRIBE transactions",
  "DESC processed.transactions",
  "DESCRIBE SELECT 1",
  "SUMMARIZE transactions",
  "SHOW TABLES",
  "SHOW ALL TABLES",
  "SHOW TABLES FROM analytics",
  "DESCRIBE",
  "EXPLAIN SELECT * FROM transactions",
  "EXPLAIN ANALYZE SELECT * FROM transactions",
  "EXPLAIN (FORMAT json) SELECT 1",
  "EXPLAIN (SELECT 1)",
  "FROM transactions",
  "TABLE transactions",
  "VALUES (1, 'a')",
  "SELECT * FROM processed.transactions t JOIN analytics.alerts a USING (event_id)",
  "SELECT * FROM TRANSACTIONS, Raw.Events",
  'SELECT * FROM "transactions"',
  "PIVOT transactions ON country USING sum(amount)",
  "PIVOT transactions ON country, status USING sum(amount) AS s, count(*) GROUP BY user_id ORDER BY 1 LIMIT 3",
  "PIVOT transactions ON country IN ('DE', 'FR') USING sum(amount)",
  "PIVOT (SELECT * FROM transactions WHERE amount > 3) ON year(event_time) USING count(*)",
  "WITH p AS (PIVOT transactions ON country USING sum(amount)) SELECT * FROM p",
  "SELECT * FROM (PIVOT transactions ON country USING sum(amount)) p, alerts",
  "FROM transactions PIVOT (sum(amount) FOR country IN ('DE'))",
  "UNPIVOT transactions ON a, b INTO NAME n VALUE v",
  "SELECT * FROM range(3), generate_series(1, 2), unnest([1, 2])",
  "SELECT key FROM transactions, json_each(extra)",
  "SELECT * FROM transactions t, LATERAL (SELECT t.amount + 1)",
  "SELECT a::DECIMAL(18, 4), CAST(b AS STRUCT(x INT, y VARCHAR)[]), TRY_CAST(c AS MAP(VARCHAR, INT)) FROM alerts",
  "SELECT * EXCLUDE (a) REPLACE (b + 1 AS b) FROM transactions QUALIFY row_number() OVER (ORDER BY b) = 1",
  "SELECT COLUMNS('a.*') FROM transactions GROUP BY ALL ORDER BY ALL",
  "SELECT [x * 2 FOR x IN l IF x > 1], {'class': 1, 'type': 'x'}, MAP {'a': 1} FROM transactions",
  "SELECT count(*) FILTER (a > 1), list(b ORDER BY c), sum(DISTINCT d) FROM transactions",
  "SELECT a FROM transactions UNION ALL BY NAME SELECT b FROM alerts EXCEPT SELECT 3",
  "SELECT * FROM transactions TABLESAMPLE 10%",
  "SELECT * FROM transactions ASOF JOIN alerts ON transactions.event_time >= alerts.event_time",
  "SELECT date_trunc('day', event_time), pg_typeof(1), now(), random(), uuid() FROM transactions",
  "SELECT table_name, column_name FROM information_schema.columns",
  "SELECT * FROM transactions WHERE EXISTS (SELECT 1 FROM alerts WHERE alerts.user_id = transactions.user_id)",
];

Deno.test("guard refuses what reads the outside, writes, or is more than one statement", async () => {
  using judge = await Judge.open();
  deepStrictEqual(await judge.verdicts(REFUSED), all(REFUSED, "refused"));
});

Deno.test("guard lets every kind of question run", async () => {
  using judge = await Judge.open();
  deepStrictEqual(await judge.verdicts(HARMLESS), all(HARMLESS, "runs"));
});

Deno.test("guard calls broken text and unknown tables syntax", async () => {
  using judge = await Judge.open();
  const broken = [
    "",
    "  -- nothing",
    ";",
    "SELEC 1",
    "SELECT (1",
    "SELECT * FROM nothing",
    "FROM other.table_x",
    // A name is in sight behind its definition, not within it, nor before: there it means the engine's own table.
    "WITH sqlite_master AS (SELECT sql FROM sqlite_master) SELECT * FROM sqlite_master",
    "WITH RECURSIVE sqlite_master AS (SELECT sql FROM sqlite_master) SELECT * FROM sqlite_master",
    "WITH a AS (SELECT sql FROM duckdb_views), duckdb_views AS (SELECT 1) SELECT * FROM a",
    "WITH RECURSIVE duckdb_views AS (SELECT sql FROM duckdb_views UNION SELECT '') FROM duckdb_views",
    // The sign for kelvin is no K to the engine.
    'WITH "duc\u212adb_views" AS (SELECT 1) SELECT sql FROM duckdb_views',
  ];
  deepStrictEqual(await judge.verdicts(broken), all(broken, "syntax"));
});

Deno.test("guard refuses megabytes before any parser sees them", async () => {
  const parser = () => Promise.reject(new Error("the parser was asked"));
  for (const sql of [`SELECT '${"x".repeat(10_000_000)}'`, `SELECT '${"é".repeat(MAX_SQL_BYTES / 2)}'`]) {
    await rejects(
      guard(sql, [], parser),
      (fault: Fault) => fault.code === "limit" && fault.blame === "sender",
    );
  }
});

// Minutes where the text is read anew for each of them.
Deno.test("guard puts lists into a text of 50,000 PIVOTs, and of as many brackets", async () => {
  const PIVOTS = 50_000;
  for (
    const [before, after] of [["PIVOT ", ""], ["PIVOT a ON b USING ", ""], ["(", ")"], ["PIVOT a ON (", ")"]]
  ) {
    const asked: string[] = [];
    const sql = before.repeat(PIVOTS) + after.repeat(PIVOTS);
    const serialize = (text: string) => {
      asked.push(text);
      return Promise.resolve('{"error":true,"error_type":"not implemented"}');
    };
    await rejects(guard(sql, [], serialize), { code: "refused" });
    const lists = asked[1].split(" IN (0)").length - 1;
    strictEqual(lists, before.includes("ON") ? PIVOTS : 0);
    strictEqual(asked[1].replaceAll(" IN (0)", ""), sql);
  }
});

Deno.test("guard names the place, in lines and columns of the text as written", async () => {
  using judge = await Judge.open();
  const places = async (sql: string) =>
    (await judge.faultOf(sql))?.fields.map(({ field, actual }) => `${field} ${actual}`);
  deepStrictEqual(await places("SELECT 'é😀',\n  getenv('HOME')"), ["line 2", "column 3"]);
  deepStrictEqual(await places("EXPLAIN\nSELECT é FROM\n 'x.csv'"), ["line 3", "column 2"]);
  deepStrictEqual(await places("SELECT 'ü'; SELECT 2"), ["line 1", "column 11"]);
  deepStrictEqual(await places("SELECT\r\n  1 +"), ["line 2", "column 6"]);
});

// A new engine brings new functions: each that is not a plain computation must have been judged by a person.
Deno.test("every function of the engine that is more than a computation is known", async () => {
  using judge = await Judge.open();
  const impure = await judge.functions("function_type = 'scalar' AND stability <> 'CONSISTENT'");
  deepStrictEqual(impure.filter(mayCall), [
    ...["current_database", "current_date", "current_schema", "current_schemas", "error", "gen_random_uuid"],
    ...["get_current_time", "get_current_timestamp", "in_search_path", "now", "random", "today"],
    ...["transaction_timestamp", "uuid", "uuidv4", "uuidv7"],
  ]);
  const tables = await judge.functions("function_type IN ('table', 'table_macro', 'pragma')");
  deepStrictEqual(tables.filter(mayCallAsTable), [
    ...["generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"],
  ]);
});
