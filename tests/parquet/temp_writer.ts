/** A Parquet writer and a folder that go together when a test ends. */
import { zstdCompressSync } from "node:zlib";
import { openParquetWriter, type ParquetWriter } from "../../lib/parquet/writer.ts";

export interface TempWriter extends AsyncDisposable {
  writer: ParquetWriter;
  folder: string;
  /** Stores rows as segments do, a frame for each of `frames` lists, and gives the file's path. */
  ndjson(...frames: (readonly unknown[])[]): Promise<string>;
}

export async function openTempWriter({ memory_bytes = 512 * 1024 * 1024 } = {}): Promise<TempWriter> {
  const folder = await Deno.makeTempDir({ prefix: "parquet writer " });
  const writer = await openParquetWriter({
    memory_bytes,
    threads: 2,
    temp_directory: `${folder}/temp`,
  });
  let files = 0;
  return {
    writer,
    folder,
    async ndjson(...frames) {
      const path = `${folder}/rows-${files++}.ndjson.zst`;
      const pieces = frames.map((rows) =>
        zstdCompressSync(rows.map((row) => JSON.stringify(row) + "\n").join(""))
      );
      await Deno.writeFile(path, new Uint8Array(await new Blob(pieces).arrayBuffer()));
      return path;
    },
    async [Symbol.asyncDispose]() {
      await writer[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
