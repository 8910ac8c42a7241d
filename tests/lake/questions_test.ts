import { deepEqual, equal, rejects } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { Fault } from "../../lib/errors.ts";
import type { Catalog } from "../../lib/iceberg/catalog.ts";
import type { SchemaChange } from "../../lib/iceberg/schema.ts";
import { evolveSchema } from "../../lib/iceberg/update.ts";
import { type LocalFiles, Questions } from "../../lib/lake/questions.ts";
import type { QueryEngine, QueryRequest, QueryResult } from "../../lib/query/engine.ts";
import { NAME, testLake } from "../routes/test_lake.ts";

const OTHER = { stage: NAME.stage, name: "clicks" };
const TIER: SchemaChange = { change: "add", column: { name: "tier", type: "int" } };
const NOTHING: QueryResult = { columns: [], rows: [], truncated: false, elapsed_ms: 0 };

/** Questions over a lake of one table with two files, whose engine and copies are told what to do. */
async function asked(options: {
  run?: (request: QueryRequest) => Promise<QueryResult>;
  leaseAll?: LocalFiles["leaseAll"];
  timeout_ms?: number;
  catalog?: (catalog: Catalog) => Pick<Catalog, "list" | "load">;
} = {}) {
  const { parts } = await testLake();
  const requests: QueryRequest[] = [];
  const leased: string[][] = [];
  const engine: QueryEngine = {
    run(request) {
      requests.push(request);
      return options.run?.(request) ?? Promise.resolve(NOTHING);
    },
    runToParquet: () => Promise.reject(new Error("is not asked")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const leaseAll: LocalFiles["leaseAll"] = (keys) => {
    leased.push([...keys]);
    return Promise.resolve({ paths: keys.map((key) => `/cache/${key}`), [Symbol.dispose]: () => {} });
  };
  const questions = new Questions({
    catalog: options.catalog?.(parts.catalog) ?? parts.catalog,
    store: parts.store,
    engine,
    views: [
      { name: "analytics.recent", sql: "FROM processed.transactions", doc: "" },
      {
        name: "analytics.early",
        sql: "FROM processed.transactions JOIN processed.not_there_yet USING (a)",
        doc: "",
      },
    ],
    files: { leaseAll: options.leaseAll ?? leaseAll },
    timeout_ms: options.timeout_ms ?? 10_000,
    clock: systemClock,
  });
  const ask = (sql: string, snapshot?: number) => questions.ask({ sql, limit: 10, snapshot });
  return { ask, requests, leased };
}

Deno.test("Questions fetches only the files in which the conditions may hold", async () => {
  const { ask, requests, leased } = await asked();
  for (
    const where of [
      "",
      "WHERE event_time::DATE = '2026-01-31'",
      "WHERE event_time < '2026-01-31'",
      "WHERE amount > 100",
    ]
  ) await ask(`SELECT count(*) FROM transactions ${where}`);
  deepEqual(leased.map((keys) => keys.length), [2, 2, 0, 0]);
  deepEqual(requests.map(({ relations: [one] }) => one.kind === "files" && one.paths.length), [2, 2, 0, 0]);
});

Deno.test("Questions leaves no file out where the conditions may mean something else", async () => {
  const { ask, leased } = await asked();
  await ask("SELECT count(*) FROM recent WHERE amount > 100");
  await ask("SELECT count(*) FROM transactions, recent WHERE amount > 100");
  deepEqual(leased.map((keys) => keys.length), [2, 2]);
});

Deno.test("Questions fetches nothing for who asks for names and types alone", async () => {
  const { ask, requests, leased } = await asked();
  const statements = [
    "DESCRIBE transactions",
    "SHOW TABLES",
    "desc SELECT amount FROM recent;",
    "SELECT * FROM transactions, recent WHERE amount > 1 LIMIT 0",
  ];
  for (const sql of statements) await ask(sql);
  deepEqual(leased.flat(), []);
  for (const { relations: [one] } of requests) {
    equal(one.kind === "files" && one.columns.some(({ name }) => name === "amount"), true);
  }
  const readers = [
    "SUMMARIZE transactions",
    "SELECT * FROM (SELECT * FROM transactions LIMIT 10) OFFSET 0",
    "SELECT * FROM (SELECT * FROM transactions LIMIT 0) RIGHT JOIN transactions USING (event_id)",
    "SELECT * FROM (PIVOT transactions ON currency USING sum(amount)) LIMIT 0",
  ];
  for (const sql of readers) await ask(sql);
  const fetched = leased.map((keys) => keys.length).filter((count) => count > 0);
  deepEqual(fetched, [2, 2, 2, 2]);
});

Deno.test("Questions has no view whose tables are not made yet", async () => {
  const { ask, requests } = await asked();
  await ask("SHOW TABLES");
  deepEqual(requests[0].relations.map(({ name }) => name), ["processed.transactions", "analytics.recent"]);
});

Deno.test("Questions reads the table of a chosen snapshot there, also when another was made in the same moment", async () => {
  let first: number | undefined;
  const { ask, requests } = await asked({
    // A second table, and both snapshots of the first in one millisecond.
    catalog: (catalog) => ({
      list: () => Promise.resolve([NAME, OTHER]),
      async load(name) {
        const table = (await catalog.load(NAME))!;
        const [one, two] = table.metadata.snapshots;
        first = one["snapshot-id"];
        const snapshots = name.name === OTHER.name
          ? []
          : [one, { ...two, "timestamp-ms": one["timestamp-ms"] }];
        return { ...table, name, metadata: { ...table.metadata, snapshots } };
      },
    }),
  });
  await ask("SELECT 1 FROM transactions");
  await ask("SELECT 1 FROM clicks, transactions", first);
  const files = requests.at(-1)!.relations.map((one) => one.kind === "files" && [one.name, one.paths.length]);
  deepEqual(files.sort(), [["processed.clicks", 0], ["processed.transactions", 1]]);
});

Deno.test("Questions knows the columns of now before a row has them, and of a chosen snapshot those of then", async () => {
  let first: number | undefined;
  const { ask, requests } = await asked({
    catalog: (catalog) => ({
      list: () => catalog.list(),
      async load(name) {
        const table = (await catalog.load(name))!;
        first = table.metadata.snapshots[0]["snapshot-id"];
        return { ...table, metadata: evolveSchema(table.metadata, [TIER], 0) };
      },
    }),
  });
  await ask("FROM transactions");
  await ask("FROM transactions", first);
  deepEqual(
    requests.map(({ relations: [one] }) =>
      one.kind === "files" && one.columns.some((c) => c.name === "tier")
    ),
    [true, false],
  );
});

Deno.test("Questions asks for a new list of files once when one of them is gone", async () => {
  let runs = 0;
  const gone = () =>
    Promise.reject(new Fault("engine", "a file is gone", { blame: "dependency", retry: "after_refresh" }));
  const { ask } = await asked({ run: () => runs++ === 0 ? gone() : Promise.resolve(NOTHING) });
  deepEqual(await ask("SELECT 1"), NOTHING);
  equal(runs, 2);
  const never = await asked({ run: gone });
  await rejects(never.ask("SELECT 1"), /a file is gone/);
  equal(never.requests.length, 2);
});

Deno.test("Questions does not fetch for longer than a query may take", async () => {
  const { ask } = await asked({
    timeout_ms: 20,
    leaseAll: (_keys, signal) =>
      new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason))),
  });
  await rejects(
    ask("FROM transactions"),
    (fault: Fault) => fault.code === "timeout" && fault.blame === "sender",
  );
});
