/**
 * Rows as files of typed columns. What is written is what was shown, not what the statement would give now: the rows
 * themselves go into a table of the engine, and from there into the file.
 *
 *   rows of ours, all of them ──── as Arrow ────► table ──► Parquet
 *   chosen or the server's ────── as JSON ─────► table ──► Parquet, Arrow
 */
import { distinctNames } from "../../lib/query/format.ts";
import { quoteIdentifier, quoteText } from "../sql/names.ts";
import { arrowStream } from "./arrow.ts";
import { collect } from "./collect.ts";
import { Result, type Rows } from "./result.ts";
import type { EngineSession } from "./session.ts";
import { jsonOf } from "./values.ts";

const TABLE = "exported rows";
const LINES = "exported-rows.ndjson";
const PARQUET = "exported-rows.parquet";

type Order = Uint32Array | null;

export async function parquetOf(
  session: EngineSession,
  rows: Rows,
  order: Order,
): Promise<Uint8Array<ArrayBuffer>> {
  return await withTable(session, rows, order, async (from) => {
    await session.run(`COPY (${from}) TO ${quoteText(PARQUET)} (FORMAT parquet, COMPRESSION zstd)`);
    const engine = await session.engine();
    const bytes = new Uint8Array(await engine.readFile(PARQUET));
    await engine.dropFile(PARQUET);
    return bytes;
  });
}

export async function arrowOf(
  session: EngineSession,
  rows: Rows,
  order: Order,
): Promise<Uint8Array<ArrayBuffer>> {
  if (rows instanceof Result && order === null) {
    return new Uint8Array(await arrowStream(rows.schema, rows.batches));
  }
  return await withTable(session, rows, order, async (from) => {
    const { schema, batches } = await collect(session, from);
    return new Uint8Array(await arrowStream(schema, batches));
  });
}

async function withTable<T>(
  session: EngineSession,
  rows: Rows,
  order: Order,
  work: (select: string) => Promise<T>,
): Promise<T> {
  return await session.exclusive(async () => {
    const table = `memory.main.${quoteIdentifier(TABLE)}`;
    try {
      await session.run(`DROP TABLE IF EXISTS ${table}`);
      if (rows instanceof Result && order === null && rows.rowCount > 0) await fromArrow(session, rows);
      else await fromJson(session, rows, order, table);
      return await work(`SELECT * FROM ${table}`);
    } finally {
      await session.run(`DROP TABLE IF EXISTS ${table}`);
    }
  });
}

async function fromArrow(session: EngineSession, rows: Result): Promise<void> {
  const engine = await session.engine();
  await engine.insertArrow(TABLE, await arrowStream(rows.schema, rows.batches));
}

async function fromJson(session: EngineSession, rows: Rows, order: Order, table: string): Promise<void> {
  const names = distinctNames(rows.columns.map((column) => column.name));
  const lines: string[] = [];
  for (let at = 0; at < (order?.length ?? rows.rowCount); at++) {
    const cells = names.map((name, column) => [name, jsonOf(rows.cell(order ? order[at] : at, column))]);
    lines.push(JSON.stringify(Object.fromEntries(cells)));
  }
  const engine = await session.engine();
  await engine.registerBuffer(LINES, new TextEncoder().encode(lines.join("\n")));
  const types = rows.columns.map(({ type }, at) => `${quoteText(names[at])}: ${quoteText(storedType(type))}`);
  const columns = rows.columns.map(({ type }, at) => selected(quoteIdentifier(names[at]), type));
  try {
    await session.run(
      `CREATE TABLE ${table} AS SELECT ${columns.join(", ")} FROM read_json(${quoteText(LINES)},
        format = 'newline_delimited', columns = {${types.join(", ")}})`,
    );
  } finally {
    await engine.dropFile(LINES);
  }
}

/** Types that JSON has no form for are written as their text. Parquet has no HUGEINT: the engine would make it a double. */
function storedType(type: string): string {
  if (type === "HUGEINT") return "DECIMAL(38,0)";
  return /^(BLOB|ENUM|INTERVAL|NULL|BIT)/i.test(type) ? "VARCHAR" : type;
}

/** Bytes stand in JSON as `\\x` and their hexadecimal digits. */
function selected(name: string, type: string): string {
  return type === "BLOB" ? `unhex(substr(${name}, 3)) AS ${name}` : name;
}
