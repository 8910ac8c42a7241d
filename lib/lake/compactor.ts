/**
 * Compaction in place: many small files of a partition become one large sorted one, and no reader sees a difference.
 *
 * Rows and an order-free fingerprint are compared before and after, and the commit re-validates that its inputs are still
 * live. It yields to appends: who loses looks again, and gives up when its inputs are gone.
 */
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { Catalog } from "../iceberg/catalog.ts";
import { commitUpdate } from "../iceberg/commit.ts";
import type { DataFile } from "../iceberg/data_file.ts";
import { readFiles } from "../iceberg/live_files.ts";
import type { IcebergField, TableMetadata } from "../iceberg/metadata.ts";
import { partitionKey } from "../iceberg/partition.ts";
import { COLLECTED } from "../iceberg/update.ts";
import { fingerprintQuery, parquetRelation } from "../parquet/relation.ts";
import type { WrittenFile } from "../parquet/statistics.ts";
import type { ParquetWriter } from "../parquet/writer.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { appliedSummary } from "./applied.ts";
import { COMPACTION_LIMITS, type CompactionUnit, planCompaction } from "./compaction_plan.ts";
import { currentFields, type Lander } from "./lander.ts";
import { parseTableKey } from "./table_key.ts";
import type { TableSpec } from "./tables.ts";

export interface CompactorContext {
  store: ObjectStore;
  catalog: Catalog;
  writer: ParquetWriter;
  lander: Lander;
  clock?: Clock;
}

export interface CompactOptions {
  /** Leaves one small file a partition instead of a few. */
  full?: boolean;
  dry_run?: boolean;
  signal?: AbortSignal;
}

export interface Compacted {
  units: number;
  files_before: number;
  files_after: number;
  bytes: number;
}

const ROW_GROUP_ROWS = 500_000;

export class Compactor {
  constructor(private readonly context: CompactorContext) {}

  async compact(spec: TableSpec, options: CompactOptions = {}): Promise<Compacted> {
    const table = await this.context.catalog.load(parseTableKey(spec.key));
    const done: Compacted = { units: 0, files_before: 0, files_after: 0, bytes: 0 };
    if (!table) return done;
    const live = await readFiles(this.context.store, table.metadata);
    const files = live.map(({ path, partition, size_bytes, record_count }) => ({
      path,
      partition: partitionKey(partition),
      size_bytes,
      record_count,
    }));
    for (const unit of planCompaction(files, COMPACTION_LIMITS, options.full)) {
      if (options.signal?.aborted) break;
      const after = options.dry_run ? 1 : await this.#unit(spec, table.metadata, unit);
      if (after === null) continue;
      done.units++;
      done.files_before += unit.files.length;
      done.files_after += after;
      done.bytes += unit.size_bytes;
    }
    return done;
  }

  /** The number of new files, or null when somebody else took an input away meanwhile. */
  async #unit(spec: TableSpec, metadata: TableMetadata, unit: CompactionUnit): Promise<number | null> {
    return await this.context.lander.inFolder(async (folder) => {
      const paths = await this.#local(unit, folder);
      const fields = currentFields(metadata);
      const written = await this.#rewrite(spec, { fields, paths, unit, folder });
      const added = await this.context.lander.store(spec, metadata, written);
      return await this.#commit(spec, metadata, { unit, added }) ? added.length : null;
    });
  }

  async #rewrite(
    spec: TableSpec,
    work: { fields: readonly IcebergField[]; paths: readonly string[]; unit: CompactionUnit; folder: string },
  ): Promise<WrittenFile[]> {
    const { fields, paths, unit, folder } = work;
    const written = await this.context.writer.write({
      select: parquetRelation(paths, fields),
      columns: fields,
      order_by: spec.order_by,
      day_column: spec.day_column,
      day: dayOf(unit),
      folder,
      row_group_rows: ROW_GROUP_ROWS,
    });
    const before = await this.#fingerprint(paths, fields);
    const after = await this.#fingerprint(written.map((file) => file.path), fields);
    if (before !== after) {
      throw new Fault(
        "compaction_differs",
        `Cannot compact ${spec.key}: ${before} went in, ${after} came out`,
        {
          blame: "us",
          retry: "after_backoff",
        },
      );
    }
    return written;
  }

  async #fingerprint(paths: readonly string[], fields: readonly IcebergField[]): Promise<string> {
    const { rows } = await this.context.writer.query(
      fingerprintQuery(parquetRelation(paths, fields), fields),
    );
    return JSON.stringify(rows);
  }

  async #commit(
    spec: TableSpec,
    base: TableMetadata,
    { unit, added }: { unit: CompactionUnit; added: readonly DataFile[] },
  ): Promise<boolean> {
    const { catalog, store, clock = systemClock } = this.context;
    const removed = unit.files.map((file) => file.path);
    const table = await commitUpdate({
      catalog,
      store,
      clock,
      name: parseTableKey(spec.key),
      plan: async (current) => {
        // Files written before a collection may be what it took for garbage.
        if (current.metadata.properties[COLLECTED] !== base.properties[COLLECTED]) return null;
        const live = new Set((await readFiles(store, current.metadata)).map((file) => file.path));
        if (!removed.every((path) => live.has(path))) return null;
        return { operation: "replace", added, removed, summary: appliedSummary(current.metadata) };
      },
    });
    return table !== null;
  }

  async #local(unit: CompactionUnit, folder: string): Promise<string[]> {
    const { store } = this.context;
    return await Promise.all(unit.files.map(async (file, i) => {
      const key = store.keyOf(file.path);
      const local = key === null ? null : store.localPath(key);
      if (local !== null) return local;
      const copy = `${folder}/in-${i}.parquet`;
      if (key !== null && await store.readToFile(key, copy)) return copy;
      throw new Fault("file_gone", `Cannot compact: ${file.path} is gone`, {
        blame: "dependency",
        retry: "after_refresh",
      });
    }));
  }
}

/** All files of a unit have one partition: one day, or none. */
function dayOf(unit: CompactionUnit): number | null {
  const pairs = JSON.parse(unit.partition) as [string, number | null][];
  return pairs.length === 0 ? null : pairs[0][1];
}
