/** Landing: rows become sorted Parquet files in the store, one a day that they touch. Nothing refers to them yet. */
import { Fault } from "../errors.ts";
import type { DataFile } from "../iceberg/data_file.ts";
import {
  currentSchema,
  type IcebergField,
  type PartitionSpec,
  type TableMetadata,
} from "../iceberg/metadata.ts";
import { dataKey } from "../iceberg/paths.ts";
import { LONGEST_ROW_BYTES, ndjsonRelation } from "../parquet/ndjson.ts";
import { dataFile, type TextStats, type WrittenFile } from "../parquet/statistics.ts";
import type { ParquetWriter, WriteRequest } from "../parquet/writer.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { openScratch } from "../store/scratch.ts";
import { writtenFields } from "./evolution.ts";
import { parseTableKey } from "./table_key.ts";
import type { TableLayout } from "./tables.ts";

/** Rows of one table from one segment. */
export interface LandPiece {
  /** zstd frames of NDJSON. */
  bytes: Uint8Array;
  /** How many changes of the table's columns the rows know (evolution.ts). */
  schema_version: number;
  rows: number;
  /** The day on which all of them lie; null or absent: it has to be looked for. */
  day?: string | null;
  /** Unpacked; 0 or absent: it has to be measured. */
  text_bytes?: number;
  /** No row is longer, unpacked; 0 or absent: as long as a row may be. */
  longest_row_bytes?: number;
}

export interface LanderContext {
  store: ObjectStore;
  writer: ParquetWriter;
  /** Key prefix of the tables. */
  prefix: string;
  /** A folder for what is on its way; what a process that died left in it is removed with the next use (scratch.ts). */
  folder: string;
}

const CREATE_TRIES = 20;

/** What reads rows holds room for two of the longest in each of its threads: such ones are not read side by side. */
const LONG_ROW_BYTES = 4 * 1024 * 1024;

export class Lander {
  #long_ones: Promise<unknown> = Promise.resolve();

  constructor(private readonly context: LanderContext) {}

  /** Rows of segments; their number is checked against the pieces, so that nothing is lost between text and Parquet. */
  async land(spec: TableLayout, metadata: TableMetadata, pieces: readonly LandPiece[]): Promise<DataFile[]> {
    const longest_row_bytes = longestOf(pieces);
    if (longest_row_bytes <= LONG_ROW_BYTES) {
      return await this.#land(spec, metadata, pieces, longest_row_bytes);
    }
    const mine = this.#long_ones.then(() => this.#land(spec, metadata, pieces, longest_row_bytes));
    this.#long_ones = mine.catch(() => undefined);
    return await mine;
  }

  async #land(
    spec: TableLayout,
    metadata: TableMetadata,
    pieces: readonly LandPiece[],
    longest_row_bytes: number,
  ): Promise<DataFile[]> {
    const fields = currentFields(metadata);
    return await this.inFolder(async (folder) => {
      const selects: string[] = [];
      for (const [version, same] of Map.groupBy(pieces, (piece) => piece.schema_version)) {
        const paths = await Promise.all(
          same.map((piece, i) => writePiece(`${folder}/${version}-${i}.ndjson.zst`, piece)),
        );
        selects.push(ndjsonRelation(
          { paths, written: writtenFields(metadata, version), longest_row_bytes },
          fields,
        ));
      }
      const files = await this.#write(spec, pieces, { select: selects.join(" UNION ALL "), fields, folder });
      const [wanted, written] = [sum(pieces, (one) => one.rows), sum(files, (one) => one.record_count)];
      if (wanted !== written) throw miscounted(spec.key, wanted, written);
      return await this.store(spec, metadata, files);
    });
  }

  /** In one pass where the pieces say enough of themselves; what they say of the day is believed only once it is seen. */
  async #write(
    spec: TableLayout,
    pieces: readonly LandPiece[],
    { select, fields, folder }: { select: string; fields: readonly IcebergField[]; folder: string },
  ): Promise<WrittenFile[]> {
    const { writer } = this.context;
    const { order_by, day_column } = spec;
    const request = { select, columns: fields, order_by, day_column, folder };
    const told = toldOf(pieces);
    if (told === null || day_column === null) return await writer.write(request);
    const files = await writer.write({ ...request, ...told });
    if (files.every(({ stats }) => liesOn(told.day, stats[day_column]))) return files;
    return await writer.write(request);
  }

  /** Uploads written files under fresh names, and describes them for a manifest. */
  async store(
    spec: TableLayout,
    metadata: TableMetadata,
    files: readonly WrittenFile[],
  ): Promise<DataFile[]> {
    const { store, prefix } = this.context;
    const table = { fields: currentFields(metadata), spec: currentSpec(metadata) };
    const stored: DataFile[] = [];
    for (const file of files) {
      const key = dataKey(prefix, parseTableKey(spec.key), crypto.randomUUID(), dayFolder(file.day));
      await create(store, key, file.path);
      stored.push(dataFile(file, store.uri(key), table));
    }
    return stored;
  }

  /** A folder that is gone afterwards, whatever happened. */
  async inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
    await using scratch = await openScratch(this.context.folder);
    return await use(scratch.path);
  }
}

async function writePiece(path: string, piece: LandPiece): Promise<string> {
  await Deno.writeFile(path, piece.bytes);
  return path;
}

/** The name holds a fresh uuid, so "taken" is our own earlier try. */
async function create(store: ObjectStore, key: string, path: string): Promise<void> {
  for (let attempt = 1; await store.createFromFile(key, path) === "unknown"; attempt++) {
    if (attempt < CREATE_TRIES) continue;
    throw new Fault("file_unknown", `Cannot store ${key}: the store does not answer`, {
      blame: "dependency",
      retry: "after_backoff",
    });
  }
}

export function currentFields(metadata: TableMetadata): IcebergField[] {
  return currentSchema(metadata).fields;
}

function currentSpec(metadata: TableMetadata): PartitionSpec {
  return metadata["partition-specs"].find((one) => one["spec-id"] === metadata["default-spec-id"])!;
}

const DAY_MS = 86_400_000;

/** Of all pieces; as long as a row may be where one of them does not say it. */
function longestOf(pieces: readonly LandPiece[]): number {
  return Math.max(...pieces.map((piece) => piece.longest_row_bytes || LONGEST_ROW_BYTES));
}

/** The one day of all pieces, and how much they are; null where one of them does not say it. */
function toldOf(pieces: readonly LandPiece[]): Required<Pick<WriteRequest, "day" | "expected">> | null {
  const day = pieces[0].day ?? null;
  if (day === null || pieces.some((piece) => piece.day !== day || !piece.text_bytes)) return null;
  const rows = sum(pieces, (one) => one.rows);
  const bytes = sum(pieces, (one) => one.text_bytes ?? 0);
  return { day: Date.parse(day) / DAY_MS, expected: { rows, bytes } };
}

/** Whether statistics of a timestamp or date column (`2026-01-31 ...`) are of this day alone. */
function liesOn(day: number | null, stats: TextStats | undefined): boolean {
  const text = dayFolder(day);
  if (!stats?.min || !stats.max || text === undefined) return false;
  return stats.null_count === 0 && stats.min.startsWith(text) && stats.max.startsWith(text);
}

function dayFolder(day: number | null): string | undefined {
  return day === null ? undefined : new Date(day * DAY_MS).toISOString().slice(0, 10);
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}

function miscounted(table: string, wanted: number, written: number): Fault {
  return new Fault(
    "rows_miscounted",
    `Cannot publish ${table}: ${wanted} rows went in, ${written} came out`,
    {
      blame: "us",
      retry: "after_backoff",
    },
  );
}
