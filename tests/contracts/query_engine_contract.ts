/** What every query engine promises: see the port's prose in lib/query/engine.ts. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import { Fault } from "../../lib/errors.ts";
import type { QueryEngine, Relation } from "../../lib/query/engine.ts";

export interface EngineSetup {
  allowed_directories: readonly string[];
  timeout_ms: number;
  max_bytes: number;
  max_concurrent: number;
}

type Open = (setup: EngineSetup) => Promise<QueryEngine>;

const MIB = 1024 ** 2;

/** A folder of Parquet files whose columns carry field ids, one file older than a rename, a widening, an addition. */
class Lake implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async make(): Promise<Lake> {
    const folder = await Deno.makeTempDir({ prefix: "lake-" });
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(`
      COPY (SELECT 1::INT AS user, 9.5::DECIMAL(9, 2) AS amount, TIMESTAMP '2026-01-31 09:30:00.123456' AS event_time)
        TO '${folder}/old.parquet' (FORMAT parquet, FIELD_IDS {user: 1, amount: 2, event_time: 3});
      COPY (SELECT 2::BIGINT AS user_id, 20.25::DECIMAL(18, 4) AS amount, TIMESTAMP '2026-02-01' AS event_time,
          'DE' AS country)
        TO '${folder}/new.parquet' (FORMAT parquet, FIELD_IDS {user_id: 1, amount: 2, event_time: 3, country: 4});
    `);
    connection.closeSync();
    instance.closeSync();
    await Deno.writeTextFile(`${folder}/secret.csv`, "a\n1\n");
    return new Lake(folder);
  }

  transactions(...files: string[]): Relation {
    return {
      kind: "files",
      name: "processed.transactions",
      columns: [
        { id: 1, name: "user_id", type: "long" },
        { id: 2, name: "amount", type: "decimal(18, 4)" },
        { id: 3, name: "event_time", type: "timestamp" },
        { id: 4, name: "country", type: "string" },
      ],
      paths: files.map((file) => `${this.folder}/${file}`),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

const faultOf = async (promise: Promise<unknown>): Promise<Fault> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

export function queryEngineContract(name: string, open: Open): void {
  const test = (what: string, run: (engine: QueryEngine, lake: Lake) => Promise<void>, setup = {}) =>
    Deno.test(`${name} ${what}`, async () => {
      await using lake = await Lake.make();
      await using engine = await open({
        allowed_directories: [lake.folder],
        timeout_ms: 300_000,
        max_bytes: 512 * MIB,
        max_concurrent: 2,
        ...setup,
      });
      await run(engine, lake);
    });
  answers(test);
  refusals(test);
  bounds(test);
}

type Test = (
  what: string,
  run: (engine: QueryEngine, lake: Lake) => Promise<void>,
  setup?: Partial<EngineSetup>,
) => void;

function answers(test: Test): void {
  test("gives texts as they are, a byte order mark at their beginning too", async (engine) => {
    const sql =
      "SELECT chr(65279) || 'x' AS short, chr(65279) || repeat('long', 9) AS long, [chr(65279)] AS list";
    const { rows } = await engine.run({ sql, relations: [], limit: 10 });
    deepStrictEqual(rows, [["\ufeffx", "\ufeff" + "long".repeat(9), ["\ufeff"]]]);
  });
  test("reads files of any age by field id", async (engine, lake) => {
    const relations = [lake.transactions("old.parquet", "new.parquet")];
    const { columns, rows, truncated } = await engine.run({
      sql: "SELECT * FROM transactions ORDER BY user_id",
      relations,
      limit: 10,
    });
    deepStrictEqual(columns, [
      { name: "user_id", type: "BIGINT" },
      { name: "amount", type: "DECIMAL(18,4)" },
      { name: "event_time", type: "TIMESTAMP" },
      { name: "country", type: "VARCHAR" },
    ]);
    deepStrictEqual(rows, [
      [1, 9.5, "2026-01-31T09:30:00.123456Z", null],
      [2, 20.25, "2026-02-01T00:00:00.000Z", "DE"],
    ]);
    strictEqual(truncated, false);
  });

  test("finds unqualified names in processed, then analytics, then raw", async (engine, lake) => {
    const relations: Relation[] = [
      { ...lake.transactions(), name: "raw.events" },
      { kind: "view", name: "raw.x", sql: "SELECT 'raw' AS stage" },
      { kind: "view", name: "analytics.x", sql: "SELECT 'analytics' AS stage" },
      { kind: "view", name: "analytics.y", sql: "SELECT stage FROM analytics.x" },
      { kind: "view", name: "processed.x", sql: "SELECT 'processed' AS stage" },
    ];
    const sql = "SELECT x.stage, y.stage, r.stage, (SELECT count(*) FROM events) FROM x, y, raw.x r";
    const { rows } = await engine.run({ sql, relations, limit: 10 });
    deepStrictEqual(rows, [["processed", "analytics", "raw", 0]]);
  });

  test("cuts at the limit and says so", async (engine) => {
    const run = (rows: number) =>
      engine.run({ sql: `SELECT range AS i FROM range(${rows})`, relations: [], limit: 5000 });
    const [less, equal, more] = [await run(4999), await run(5000), await run(5001)];
    deepStrictEqual([less.rows.length, less.truncated], [4999, false]);
    deepStrictEqual([equal.rows.length, equal.truncated], [5000, false]);
    deepStrictEqual([more.rows.length, more.truncated], [5000, true]);
    deepStrictEqual(more.rows.map((row) => row[0]), Array.from({ length: 5000 }, (_, at) => at));
  });

  test("keeps every digit and says every zone", async (engine) => {
    const sql = `SELECT 9007199254740991, 9007199254740992, -9007199254740993, 1e10::HUGEINT * 1e10::HUGEINT,
      0.1::DECIMAL(18, 4), -12345678901234.5678::DECIMAL(18, 4), 12345678901234.5000::DECIMAL(18, 4),
      170141183460469231731687303715884105727, 'nan'::DOUBLE, 1e400, 0.1::DOUBLE,
      TIMESTAMPTZ '2026-01-01 00:00:00+02', DATE '2026-01-01', TIMESTAMP '1969-12-31 23:59:59.999999',
      {'__proto__': [1, NULL]}, MAP {'k': 2}, MAP {1: 2}, 'a'::BLOB, true, NULL, INTERVAL 90 MINUTE`;
    const { rows } = await engine.run({ sql, relations: [], limit: 1 });
    deepStrictEqual(
      JSON.stringify(rows[0]),
      JSON.stringify([
        ...[9007199254740991, "9007199254740992", "-9007199254740993", "100000000000000000000"],
        ...[0.1, "-12345678901234.5678", 12345678901234.5, "170141183460469231731687303715884105727"],
        ...["NaN", "Infinity", 0.1, "2025-12-31T22:00:00.000Z", "2026-01-01", "1969-12-31T23:59:59.999999Z"],
        ...[{ ["__proto__"]: [1, null] }, { k: 2 }, [[1, 2]], "YQ==", true, null, "01:30:00"],
      ]),
    );
  });

  test("gives every value that is no list, time or bytes as the engine itself writes it", async (engine) => {
    const values = [
      ...[
        "-0.0::DOUBLE",
        "-0.0::FLOAT",
        "1e300::DOUBLE",
        "true",
        "-1::TINYINT",
        "255::UTINYINT",
        "65535::USMALLINT",
      ],
      ...["18446744073709551615::UBIGINT", "'-170141183460469231731687303715884105728'::HUGEINT"],
      ...[
        "0::UHUGEINT",
        "340282366920938463463374607431768211455::UHUGEINT",
        "-12345678901234567890123::BIGNUM",
      ],
      ...["'0'::BIT", "'000000001'::BIT", "repeat('10', 70)::BIT", "7::INT::BIT", "'a'::ENUM('a', 'b')"],
      ...[
        "5::UNION(n INT, t VARCHAR)",
        "'x'::UNION(n INT, t VARCHAR)",
        "2::UHUGEINT::UNION(u UHUGEINT, t VARCHAR)",
      ],
      ...["'12:34:56+02:30'::TIMETZ", "'12:34:56.123456-15:59:59'::TIMETZ", "'23:59:59.5+00'::TIMETZ"],
      ...[
        "TIME '24:00:00'",
        "TIME_NS '12:34:56.123456789'",
        "INTERVAL '-1.5 seconds'",
        "INTERVAL '14 months'",
      ],
      ...[
        "DATE '-0044-03-15'",
        "'infinity'::DATE",
        "uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
        `'{"a":1}'::JSON`,
      ],
    ];
    for (const value of values) {
      const sql = `SELECT ${value}, CAST(${value} AS VARCHAR)`;
      const [[cell, text]] = (await engine.run({ sql, relations: [], limit: 1 })).rows;
      strictEqual(String(cell), text, value);
    }
  });

  test("keeps the values of structs without names", async (engine) => {
    const sql = "SELECT (1, 'a'), [row(1, 2), NULL], NULL::STRUCT(a INT)";
    const { rows } = await engine.run({ sql, relations: [], limit: 1 });
    deepStrictEqual(rows[0], [[1, "a"], [[1, 2], null], null]);
  });

  test("calls the infinities of times by their name, and writes small decimals with their own digits", async (engine) => {
    const types = ["DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"];
    const cells = types.map((type) => `'infinity'::${type}, '-infinity'::${type}`);
    const sql = `SELECT 0.00000000657697089808381::DECIMAL(38, 23), ${cells.join(", ")}`;
    const { rows } = await engine.run({ sql, relations: [], limit: 1 });
    deepStrictEqual(rows[0], [6.57697089808381e-9, ...types.flatMap(() => ["infinity", "-infinity"])]);
  });

  test("runs every kind of question", async (engine, lake) => {
    const relations = [lake.transactions("old.parquet", "new.parquet")];
    const questions: [string, number][] = [
      ["DESCRIBE transactions", 4],
      ["SUMMARIZE transactions", 4],
      ["SHOW TABLES", 1],
      ["EXPLAIN SELECT * FROM transactions", 1],
      ["EXPLAIN ANALYZE SELECT * FROM transactions", 1],
      ["PIVOT transactions ON country USING sum(amount) GROUP BY user_id", 2],
      ["WITH p AS (PIVOT transactions ON country USING count(*)) SELECT * FROM p -- done", 2],
      ["FROM transactions", 2],
      ["VALUES (1), (2)", 2],
      ["WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 9) FROM r;", 9],
      ["SELECT count(*) FROM information_schema.columns WHERE table_name = 'transactions'", 1],
    ];
    for (const [sql, count] of questions) {
      strictEqual((await engine.run({ sql, relations, limit: 100 })).rows.length, count, sql);
    }
  });
}

function refusals(test: Test): void {
  test("refuses whatever is not a question over its relations", async (engine, lake) => {
    const relations = [lake.transactions("new.parquet")];
    const forbidden = [
      `SELECT * FROM read_csv('${lake.folder}/secret.csv')`,
      `FROM '${lake.folder}/secret.csv'`,
      `FROM '${lake.folder}/new.parquet'`,
      "SELECT getenv('PATH')",
      "SELECT current_setting('memory_limit')",
      `COPY transactions TO '${lake.folder}/out.csv'`,
      "SET memory_limit = '100GB'",
      "INSTALL httpfs",
      "ATTACH 'x.db'",
      "CREATE TABLE x AS SELECT 1",
      "EXPLAIN ANALYZE DELETE FROM transactions",
      "SELECT 1; SELECT 2",
    ];
    for (const sql of forbidden) {
      const fault = await faultOf(engine.run({ sql, relations, limit: 10 }));
      deepStrictEqual([fault.code, fault.blame], ["refused", "sender"], sql);
    }
  });

  test("says where the fault is", async (engine, lake) => {
    const relations = [lake.transactions("new.parquet")];
    const place = async (sql: string) => {
      const fault = await faultOf(engine.run({ sql, relations, limit: 10 }));
      return [fault.code, ...fault.fields.map(({ field, actual }) => `${field} ${actual}`)];
    };
    deepStrictEqual(await place("SELEC 1"), ["syntax", "line 1", "column 1"]);
    deepStrictEqual(await place("SELECT 'ü',\n  nothing FROM transactions"), [
      "syntax",
      "line 2",
      "column 3",
    ]);
    deepStrictEqual(await place("SELECT *\nFROM nowhere"), ["syntax", "line 2", "column 6"]);
    deepStrictEqual((await place("SELECT CAST('x' || user_id AS INT) FROM transactions"))[0], "syntax");
  });

  test("wants a fresh list of files when one is gone", async (engine, lake) => {
    const relations = [lake.transactions("new.parquet", "gone.parquet")];
    const fault = await faultOf(engine.run({ sql: "FROM transactions", relations, limit: 10 }));
    deepStrictEqual([fault.blame, fault.retry], ["dependency", "after_refresh"]);
  });

  test("wants a fresh list of files when one of many is gone", async (engine, lake) => {
    const names = Array.from({ length: 40 }, (_, at) => `one_of_many_${at}.parquet`);
    for (const name of names) await Deno.copyFile(`${lake.folder}/new.parquet`, `${lake.folder}/${name}`);
    await Deno.remove(`${lake.folder}/${names[20]}`);
    const relations = [lake.transactions(...names)];
    for (const sql of ["FROM transactions", "SELECT count(*), sum(amount) FROM transactions"]) {
      const fault = await faultOf(engine.run({ sql, relations, limit: 1_000 }));
      deepStrictEqual([fault.blame, fault.retry], ["dependency", "after_refresh"], fault.message);
    }
  });

  test("blames no asker for a file that is damaged", async (engine, lake) => {
    const bytes = await Deno.readFile(`${lake.folder}/new.parquet`);
    const firstPage = bytes.slice();
    firstPage.fill(0xff, 4, 40);
    const damaged = [bytes.subarray(0, bytes.length >> 1), bytes.subarray(0, 5), firstPage];
    for (const [at, some] of damaged.entries()) {
      await Deno.writeFile(`${lake.folder}/damaged.parquet`, some);
      const relations = [lake.transactions("old.parquet", "damaged.parquet")];
      const fault = await faultOf(engine.run({ sql: "FROM transactions", relations, limit: 10 }));
      deepStrictEqual([fault.code, fault.blame], ["engine", "dependency"], `${at}: ${fault.message}`);
    }
  });

  // A view's text is ours and passes no guard: what stops it is the engine itself.
  test("opens no file but those of its relations, whoever asks", async (engine, lake) => {
    const reads = [
      "SELECT * FROM read_text('/etc/passwd')",
      "SELECT * FROM glob('/etc/*')",
      `SELECT * FROM read_parquet('${lake.folder}/old.parquet')`,
      `SELECT * FROM '${lake.folder}/secret.csv'`,
    ];
    for (const sql of reads) {
      const relations = [lake.transactions("new.parquet"), { kind: "view" as const, name: "raw.x", sql }];
      await rejects(engine.run({ sql: "FROM raw.x", relations, limit: 10 }), Fault, sql);
    }
  });

  test("opens nothing outside the data folders", async (engine) => {
    const relation: Relation = { kind: "files", name: "raw.x", columns: [], paths: ["/etc/passwd"] };
    const fault = await faultOf(engine.run({ sql: "FROM x", relations: [relation], limit: 10 }));
    strictEqual(fault.blame, "us");
  });
}

const ENDLESS = [
  "SELECT count(*) FROM range(10000000) a, range(10000000) b, range(10000000) c WHERE a.range + b.range = c.range",
  "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r WHERE n < 0",
  "SELECT max(md5(range::VARCHAR)) FROM range(100000000000)",
  // One call of one function, deaf to interruption.
  "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))",
];

const GREEDY = [
  "SELECT repeat('x', 10000000000)",
  "SELECT repeat('x', 4000000000)",
  "SELECT list(repeat('x', 1000000) || range) FROM range(20000)",
  "SELECT string_agg(repeat(chr(65 + (range % 20)::INT), 1000000), '') FROM range(10000)",
  "SELECT json_array(range(100000000))",
];

function bounds(test: Test): void {
  test("ends what never ends, and answers the next", async (engine) => {
    const faults = await Promise.all(
      ENDLESS.map((sql) => faultOf(engine.run({ sql, relations: [], limit: 10 }))),
    );
    deepStrictEqual(faults.map(({ code, blame }) => [code, blame]), ENDLESS.map(() => ["timeout", "sender"]));
    deepStrictEqual((await engine.run({ sql: "SELECT 1", relations: [], limit: 1 })).rows, [[1]]);
  }, { timeout_ms: 3_000, max_concurrent: 4 });

  test("ends what eats memory, while its neighbour goes on", async (engine) => {
    const neighbour = "SELECT count(*) FROM range(50000000) WHERE hash(range) % 2 = 3";
    const [faults, { rows }] = await Promise.all([
      (async () => {
        const codes: string[] = [];
        for (const sql of GREEDY) {
          codes.push((await faultOf(engine.run({ sql, relations: [], limit: 10 }))).code);
        }
        return codes;
      })(),
      engine.run({ sql: neighbour, relations: [], limit: 10 }),
    ]);
    deepStrictEqual(faults, GREEDY.map(() => "limit"));
    deepStrictEqual(rows, [[0]]);
  }, { max_bytes: 300 * MIB });

  test("refuses an answer that is too large", async (engine) => {
    const sql = "SELECT repeat('x', 1000) FROM range(100000)";
    const fault = await faultOf(engine.run({ sql, relations: [], limit: 1_000_000 }));
    deepStrictEqual([fault.code, fault.blame], ["limit", "sender"]);
  }, { max_bytes: 10 * MIB });

  test("refuses megabytes of text and depths of nesting", async (engine) => {
    for (
      const sql of [
        `SELECT '${"x".repeat(10 * MIB)}'`,
        `SELECT ${"(".repeat(100_000)}1${")".repeat(100_000)}`,
      ]
    ) {
      strictEqual((await faultOf(engine.run({ sql, relations: [], limit: 10 }))).code, "limit");
    }
  });

  test("stops when its asker does", async (engine) => {
    const stop = new AbortController();
    const running = engine.run({ sql: ENDLESS[0], relations: [], limit: 10 }, stop.signal);
    setTimeout(() => stop.abort(new Error("gone away")), 100);
    await rejects(running, /gone away/);
    deepStrictEqual((await engine.run({ sql: "SELECT 2", relations: [], limit: 1 })).rows, [[2]]);
  }, { max_concurrent: 1 });

  test("lets more askers than places wait their turn", async (engine) => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) => engine.run({ sql: `SELECT ${at}`, relations: [], limit: 1 })),
    );
    deepStrictEqual(answers.map(({ rows }) => rows[0][0]), [0, 1, 2, 3, 4, 5, 6, 7]);
    ok(answers.every(({ elapsed_ms }) => elapsed_ms >= 0));
  });
}
