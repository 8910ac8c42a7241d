/**
 * Rows of any number, width and spread over days become sorted files, within a given memory.
 *
 *   of one day, few bytes or narrow ─► one sorted COPY
 *   else staged (spills), measured:
 *     few bytes ─► a sorted COPY a day              many, narrow rows ─► sorted table (spills) ─► a COPY a day
 *     many, wide rows ─► cut into ranges of the order ─► each sorted by itself ─► a COPY a range and day ─► joined a day
 *
 * The engine's own sort spills, but not rows of some kilobytes: their places are pinned all at once. So what is wide is
 * cut by a sort of the keys alone. PARTITION_BY by day, the obvious way, held all days open and ran out of memory at
 * 10,000. Rows of over 20 kB on average have to come in batches of less than a quarter of the memory.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { IcebergField } from "../iceberg/metadata.ts";
import { copyFile } from "./copy_file.ts";
import { quoteList, quoteName, quoteText } from "./duckdb_type.ts";
import type { WrittenFile } from "./statistics.ts";
import type { WriteRequest } from "./writer.ts";

const ROW_GROUP_ROWS = 122_880;
const LEAST_ROW_GROUP_ROWS = 2048;
const LARGEST_ROW_GROUP_BYTES = 128 * 1024 * 1024;
/** Shares of the memory: of what is sorted at once, of a row group, of one range's row group on its way. */
const SORT_SHARE = 1 / 4;
const ROW_GROUP_SHARE = 1 / 8;
const RANGE_SHARE = 1 / 96;
/** The engine's own sort spills rows of this size. */
const NARROW_ROW_BYTES = 1500;
/** So many days are picked out of unsorted rows. */
const FEW_DAYS = 4;
const FIXED_VALUE_BYTES = 16;
const SAMPLED_ROWS = 2000;
/** Columns of tables do not begin with a blank. */
const DAY = quoteName(" day");
/** Becomes the name of folders, where a blank would be encoded. */
const RANGE = "range_of_rows";
const STAGE = "staged_rows";
const SORTED = "sorted_rows";
const RANGES = "row_ranges";

interface Work {
  connection: DuckDBConnection;
  request: WriteRequest;
  order_by: readonly string[];
  memory_bytes: number;
}

interface DayRows {
  day: number | null;
  rows: number;
  bytes: number;
}

/** The files written, ascending by day. */
export async function writeSorted(
  connection: DuckDBConnection,
  request: WriteRequest,
  memory_bytes: number,
): Promise<WrittenFile[]> {
  const order_by = request.order_by.filter((name) => request.columns.some((column) => column.name === name));
  const work: Work = { connection, request, order_by, memory_bytes };
  const sort_bytes = memory_bytes * SORT_SHARE;
  const { expected } = request;
  if (isOneDay(request)) {
    const all = { day: request.day ?? null, ...expected ?? await measureAll(work) };
    if (all.bytes <= sort_bytes || all.bytes / all.rows <= NARROW_ROW_BYTES) {
      return await copyAll(work, [all], () => request.select);
    }
  }
  await stage(work);
  const days = await measure(work);
  const bytes = sum(days, (one) => one.bytes);
  const rows = sum(days, (one) => one.rows);
  if (bytes <= sort_bytes && days.length <= FEW_DAYS) {
    return await copyAll(work, days, (day) => dayOf(STAGE, day, work));
  }
  if (bytes <= sort_bytes || bytes / rows <= NARROW_ROW_BYTES) return await throughSortedTable(work, days);
  return await throughRanges(work, { rows, count: Math.ceil(bytes / sort_bytes) + 1 }, bytes / rows);
}

/** One file, because rows are not divided or because their day is known. */
function isOneDay({ day_column, day }: WriteRequest): boolean {
  return day_column === null || day !== undefined;
}

async function stage({ connection, request }: Work): Promise<void> {
  const { day_column, day, select } = request;
  const known = day === null || day === undefined ? "CAST(NULL AS INTEGER)" : `CAST(${day} AS INTEGER)`;
  const value = isOneDay(request)
    ? known
    : `CAST(date_diff('day', DATE '1970-01-01', CAST(${quoteName(day_column!)} AS DATE)) AS INTEGER)`;
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${STAGE} AS SELECT *, ${value} AS ${DAY} FROM (${select})`,
  );
}

/** What is to be written on one day, before it is staged: its rows are read once more, but only where they are long. */
async function measureAll(work: Work): Promise<{ rows: number; bytes: number }> {
  const row_bytes = await rowBytes(work, `(${work.request.select})`);
  const found = await work.connection.runAndReadAll(
    `SELECT CAST(count(*) AS DOUBLE), CAST(coalesce(sum(${row_bytes}), 0) AS DOUBLE) FROM (${work.request.select})`,
  );
  const [[rows, bytes]] = found.getRowsJson();
  return { rows: Number(rows), bytes: Number(bytes) };
}

async function measure(work: Work): Promise<DayRows[]> {
  const found = await work.connection.runAndReadAll(
    `SELECT ${DAY}, CAST(count(*) AS DOUBLE), CAST(sum(${await rowBytes(work, STAGE)}) AS DOUBLE) ` +
      `FROM ${STAGE} GROUP BY 1 ORDER BY 1`,
  );
  return found.getRowsJson().map(([day, rows, bytes]) => ({
    day: day === null ? null : Number(day),
    rows: Number(rows),
    bytes: Number(bytes),
  }));
}

/** About how many bytes a row of `relation` has, as an expression: exact for texts, sampled for what is nested. */
async function rowBytes({ connection, request: { columns } }: Work, relation: string): Promise<string> {
  const texts = columns.filter((column) => column.type === "string");
  const nested = columns.filter((column) => typeof column.type !== "string");
  const sizes = nested.map(({ name }) => `coalesce(strlen(CAST(${quoteName(name)} AS VARCHAR)), 0)`);
  const sampled = `SELECT CAST(avg(${
    ["0", ...sizes].join(" + ")
  }) AS DOUBLE) FROM (SELECT * FROM ${relation} LIMIT ${SAMPLED_ROWS})`;
  const [[of_nested]] = (await connection.runAndReadAll(sampled)).getRowsJson();
  const fixed = FIXED_VALUE_BYTES * columns.length + Math.ceil(Number(of_nested ?? 0));
  return [fixed, ...texts.map(({ name }) => `coalesce(strlen(${quoteName(name)}), 0)`)].join(" + ");
}

/** A sorted COPY for each day; `select` gives a day's rows. */
async function copyAll(
  work: Work,
  days: readonly DayRows[],
  select: (day: number | null) => string,
  order_by: readonly string[] = work.order_by,
): Promise<WrittenFile[]> {
  const { connection, request: { columns, folder } } = work;
  const files: WrittenFile[] = [];
  for (const { day, rows, bytes } of days) {
    const row_group_rows = rowGroupRows(work, bytes / Math.max(rows, 1));
    const file = await copyFile(connection, {
      select: select(day),
      columns,
      order_by,
      folder,
      row_group_rows,
      day,
    });
    if (file) files.push(file);
  }
  return files;
}

function dayOf(table: string, day: number | null, { request }: Work): string {
  const where = day === null ? `${DAY} IS NULL` : `${DAY} = ${day}`;
  return `SELECT ${namesOf(request.columns)} FROM ${table} WHERE ${where}`;
}

function namesOf(columns: readonly IcebergField[]): string {
  return columns.map((column) => quoteName(column.name)).join(", ");
}

function orderOf({ order_by }: Work): string {
  return [DAY, ...order_by.map(quoteName)].join(", ");
}

async function throughSortedTable(work: Work, days: readonly DayRows[]): Promise<WrittenFile[]> {
  const { connection } = work;
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${SORTED} AS SELECT * FROM ${STAGE} ORDER BY ${orderOf(work)}`,
  );
  await connection.run(`DROP TABLE ${STAGE}`);
  return await copyAll(work, days, (day) => dayOf(SORTED, day, work), []);
}

/** Ranges of the order, of equal numbers of rows, come one after the other, each small enough to be sorted in memory. */
async function throughRanges(
  work: Work,
  ranges: { rows: number; count: number },
  row_bytes: number,
): Promise<WrittenFile[]> {
  const { connection, request } = work;
  const folder = `${request.folder}/ranges-${crypto.randomUUID()}`;
  await partitionByRange(work, ranges, { folder, row_bytes });
  const pieces: WrittenFile[] = [];
  for (let range = 0; range < ranges.count; range++) {
    const from = `read_parquet(${
      quoteText(`${folder}/${RANGE}=${range}/*.parquet`)
    }, hive_partitioning = false)`;
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${SORTED} AS SELECT * FROM ${from} ORDER BY ${orderOf(work)}`,
    );
    const found = await connection.runAndReadAll(
      `SELECT ${DAY}, CAST(count(*) AS DOUBLE) FROM ${SORTED} GROUP BY 1 ORDER BY 1`,
    );
    const days = found.getRowsJson().map(([day, rows]) => ({
      day: day === null ? null : Number(day),
      rows: Number(rows),
      bytes: Number(rows) * row_bytes,
    }));
    pieces.push(...await copyAll(work, days, (day) => dayOf(SORTED, day, work), []));
  }
  await Deno.remove(folder, { recursive: true });
  return await joinPieces(work, pieces, row_bytes);
}

/** The keys are sorted alone, with their rows' places; then the rows are dealt out in one pass. */
async function partitionByRange(
  work: Work,
  { rows, count }: { rows: number; count: number },
  to: { folder: string; row_bytes: number },
): Promise<void> {
  const { connection, memory_bytes } = work;
  const place = `(row_number() OVER (ORDER BY ${orderOf(work)}) - 1) * ${count} // ${rows}`;
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${RANGES} AS SELECT rowid AS place, CAST(${place} AS INTEGER) AS ${RANGE} FROM ${STAGE}`,
  );
  const row_group_rows = Math.max(
    LEAST_ROW_GROUP_ROWS,
    Math.floor(memory_bytes * RANGE_SHARE / to.row_bytes),
  );
  await connection.run(`SET partitioned_write_flush_threshold = ${row_group_rows}`);
  await connection.run(`SET partitioned_write_max_open_files = ${count + 1}`);
  await connection.run(
    `COPY (SELECT ${STAGE}.*, ${RANGE} FROM ${STAGE} JOIN ${RANGES} ON ${STAGE}.rowid = place) ` +
      `TO ${
        quoteText(to.folder)
      } (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (${RANGE}), ROW_GROUP_SIZE ${row_group_rows})`,
  );
  await connection.run(`DROP TABLE ${STAGE}`);
}

/** A day that was cut gets its pieces back together, in order. */
async function joinPieces(
  work: Work,
  pieces: readonly WrittenFile[],
  row_bytes: number,
): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  for (const [day, some] of Map.groupBy(pieces, (piece) => piece.day)) {
    if (some.length === 1) {
      files.push(some[0]);
      continue;
    }
    const rows = sum(some, (piece) => piece.record_count);
    const select = `SELECT ${namesOf(work.request.columns)} FROM read_parquet(${
      quoteList(some.map(({ path }) => path))
    })`;
    files.push(...await copyAll(work, [{ day, rows, bytes: rows * row_bytes }], () => select, []));
    await Promise.all(some.map(({ path }) => Deno.remove(path)));
  }
  return files;
}

/** Readers hold a row group in memory, and so does the writer. */
function rowGroupRows({ request, memory_bytes }: Work, row_bytes: number): number {
  const most = request.row_group_rows ?? ROW_GROUP_ROWS;
  const bytes = Math.min(LARGEST_ROW_GROUP_BYTES, memory_bytes * ROW_GROUP_SHARE);
  return row_bytes <= 0
    ? most
    : Math.min(most, Math.max(LEAST_ROW_GROUP_ROWS, Math.floor(bytes / row_bytes)));
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}
