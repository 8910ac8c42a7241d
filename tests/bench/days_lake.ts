/** A lake of many rows, made in seconds: days of transactions, one compacted file each, without a log behind them. */
import { loadConfiguration } from "../../lib/configuration.ts";
import { readSettings } from "../../lib/config.ts";
import { systemClock } from "../../lib/clock.ts";
import { connectCatalog, connectStore, lakePrefix } from "../../lib/connect.ts";
import type { IcebergField } from "../../lib/iceberg/metadata.ts";
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import { ensureTables } from "../../lib/lake/ensure_tables.ts";
import { currentFields, Lander } from "../../lib/lake/lander.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { lakeTables } from "../../lib/lake/tables.ts";
import { duckdbType, quoteName } from "../../lib/parquet/duckdb_type.ts";
import { openParquetWriter } from "../../lib/parquet/writer.ts";

const TABLE = "processed.transactions";
const DAY_MS = 86_400_000;
/** As compaction makes them. */
const ROW_GROUP_ROWS = 500_000;

/** What is not null in these rows, by column; `i` counts the rows of a day. */
const VALUES: Readonly<Record<string, string>> = {
  source: "'bench'",
  log_partition: "0",
  log_offset: "i",
  event_id: "'e' || i",
  user_id: "'user_' || (i * 100 // ROWS)",
  amount: "(i * 7919 % 200000) / 100.0 + 1",
  currency: "['EUR', 'USD', 'GBP', 'JPY'][1 + i % 4]",
  status: "['completed', 'approved', 'pending', 'failed'][1 + i % 4]",
  merchant_id: "'m_' || (i * 31 % 300)",
  late: "false",
  schema_version: "0",
  user_txn_count: "i",
};

/** Days (ISO) of the lake in `folder`, oldest first. */
export async function makeDaysLake(folder: string, days: number, rows_a_day: number): Promise<string[]> {
  const reading = readSettings({ DATA_DIR: folder }, () => "");
  if (!reading.ok) throw new Error("Cannot read settings of a bench");
  const { settings } = reading;
  const { kinds, windows } = await loadConfiguration(settings);
  await using store = await connectStore(settings);
  const catalog = connectCatalog(settings, store);
  const prefix = lakePrefix(settings);
  const spec = lakeTables(kinds, windows).find((one) => one.key === TABLE)!;
  const now = systemClock.now;
  await ensureTables({ catalog, store, prefix, specs: [spec], now });
  const temp_directory = `${folder}/tmp/bench`;
  await Deno.mkdir(temp_directory, { recursive: true });
  await using writer = await openParquetWriter({ memory_bytes: 1_500_000_000, threads: 2, temp_directory });
  const lander = new Lander({ store, writer, prefix, folder: `${folder}/tmp/landing` });
  const last = Math.floor(now() / DAY_MS) - 1;
  const numbers = Array.from({ length: days }, (_, at) => last - days + 1 + at);
  for (const day of numbers) {
    const { metadata } = (await catalog.load(parseTableKey(TABLE)))!;
    const columns = currentFields(metadata);
    await lander.inFolder(async (at) => {
      const written = await writer.write({
        select: daySelect(columns, day, rows_a_day),
        columns,
        order_by: [],
        day_column: "event_time",
        day,
        folder: at,
        row_group_rows: ROW_GROUP_ROWS,
        expected: { rows: rows_a_day, bytes: 1 },
      });
      const added = await lander.store(spec, metadata, written);
      const plan = () => ({ operation: "append" as const, added });
      await commitUpdate({ catalog, store, clock: systemClock, name: parseTableKey(TABLE), plan });
    });
  }
  return numbers.map((day) => new Date(day * DAY_MS).toISOString().slice(0, 10));
}

function daySelect(columns: readonly IcebergField[], day: number, rows: number): string {
  const time = `make_timestamp(${day * DAY_MS}::BIGINT * 1000 + i * ${Math.floor((DAY_MS * 1000) / rows)})`;
  const values = columns.map(({ name, type }) => {
    const value = name.endsWith("_time") || name === "received_at" ? time : VALUES[name] ?? "NULL";
    return `CAST(${value.replaceAll("ROWS", String(rows))} AS ${duckdbType(type)}) AS ${quoteName(name)}`;
  });
  return `SELECT ${values.join(", ")} FROM range(${rows}) t(i)`;
}
