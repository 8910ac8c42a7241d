/** Rows that a command holds, as the bytes of one Parquet file: by a file of lines that DuckDB reads without guessing. */
import type { Settings } from "../lib/config.ts";
import { connectWriter } from "../lib/connect.ts";
import { quoteText } from "../lib/query/relation_sql.ts";

export interface Rows {
  /** Types are DuckDB's. */
  columns: readonly (readonly [name: string, type: string])[];
  rows: readonly (readonly unknown[])[];
}

export async function parquetBytes(settings: Settings, { columns, rows }: Rows): Promise<Uint8Array> {
  await using writer = await connectWriter(settings);
  const folder = await Deno.makeTempDir();
  try {
    const [lines, file] = [`${folder}/rows.ndjson`, `${folder}/rows.parquet`];
    const objects = rows.map((row) => Object.fromEntries(columns.map(([name], at) => [name, row[at]])));
    await Deno.writeTextFile(lines, objects.map((one) => `${JSON.stringify(one)}\n`).join(""));
    const types = columns.map(([name, type]) => `${quoteText(name)}: ${quoteText(type)}`).join(", ");
    const options = `format = 'newline_delimited', records = true, auto_detect = false, columns = {${types}}`;
    await writer.query(
      `COPY (SELECT * FROM read_json(${quoteText(lines)}, ${options}, maximum_object_size = 67108864))
       TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    return await Deno.readFile(file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
