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
import { ndjsonRelation } from "../parquet/ndjson.ts";
import { dataFile, type WrittenFile } from "../parquet/statistics.ts";
import type { ParquetWriter } from "../parquet/writer.ts";
import type { ObjectStore } from "../store/object_store.ts";
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
}

export interface LanderContext {
  store: ObjectStore;
  writer: ParquetWriter;
  /** Key prefix of the tables. */
  prefix: string;
  /** A folder for what is on its way; what an earlier process left in it is removed by whoever opens it. */
  folder: string;
}

const CREATE_TRIES = 20;

export class Lander {
  constructor(private readonly context: LanderContext) {}

  /** Rows of segments; their number is checked against the pieces, so that nothing is lost between text and Parquet. */
  async land(spec: TableLayout, metadata: TableMetadata, pieces: readonly LandPiece[]): Promise<DataFile[]> {
    const fields = currentFields(metadata);
    return await this.inFolder(async (folder) => {
      const selects: string[] = [];
      for (const [version, same] of Map.groupBy(pieces, (piece) => piece.schema_version)) {
        const paths = await Promise.all(
          same.map((piece, i) => writePiece(`${folder}/${version}-${i}.ndjson.zst`, piece)),
        );
        selects.push(ndjsonRelation({ paths, written: writtenFields(metadata, version) }, fields));
      }
      const files = await this.context.writer.write({
        select: selects.join(" UNION ALL "),
        columns: fields,
        order_by: spec.order_by,
        day_column: spec.day_column,
        folder,
      });
      const [wanted, written] = [sum(pieces, (one) => one.rows), sum(files, (one) => one.record_count)];
      if (wanted !== written) throw miscounted(spec.key, wanted, written);
      return await this.store(spec, metadata, files);
    });
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
    await Deno.mkdir(this.context.folder, { recursive: true });
    const folder = await Deno.makeTempDir({ dir: this.context.folder });
    try {
      return await use(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
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
