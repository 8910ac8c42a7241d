/** An application whose lake is a DuckDB in memory, asked and answered in JSON. */
import type { Catalog } from "../../lib/iceberg/catalog.ts";
import type { RulesFile } from "../../routes/rules.ts";
import { handClock, type TestApp, testApp } from "./test_app.ts";
import { testLake } from "./test_lake.ts";
import { SHIPPED } from "../shipped_stream.ts";
import { type TestTables, testTables } from "./test_tables.ts";

/** 2027-01-15T08:00:00Z */
const NOW_MS = 1_800_000_000_000;

export interface Asked extends TestApp, Disposable {
  tables: TestTables;
  clock: ReturnType<typeof handClock>;
  get(path: string): Promise<Answer>;
  send(method: string, path: string, body: unknown): Promise<Answer>;
}

/** Answers are looked at by name. */
interface Answer {
  status: number;
  body: ReturnType<typeof JSON.parse>;
}

export async function asked(
  options: { missing?: string[]; rules?: RulesFile; status?: () => Promise<object> } = {},
): Promise<Asked> {
  const tables = await testTables(options.missing);
  const { parts } = await testLake();
  const clock = handClock(NOW_MS);
  const catalog: Catalog = {
    list: tables.catalog.list,
    load: (name) => parts.catalog.load(name),
    create: (name, metadata) => parts.catalog.create(name, metadata),
    commit: (base, next, writeId) => parts.catalog.commit(base, next, writeId),
  };
  const lake = { ...parts, catalog };
  const windows = () => SHIPPED.windows;
  const given = { clock, query: tables.query, lake, windows, rules: options.rules };
  const test = testApp({}, { ...given, ...statusOf(options) });
  const call = async (path: string, init?: RequestInit) => {
    const response = await test.app.request(path, init);
    return { status: response.status, body: await response.json() };
  };
  return {
    ...test,
    tables,
    clock,
    get: (path) => call(path),
    send: (method, path, body) =>
      call(path, {
        method,
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers: { "content-type": typeof body === "string" ? "application/yaml" : "application/json" },
      }),
    [Symbol.dispose]: () => tables[Symbol.dispose](),
  };
}

function statusOf({ status }: { status?: () => Promise<object> }) {
  return status === undefined ? {} : { status };
}
