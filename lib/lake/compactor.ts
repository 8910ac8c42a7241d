/**
 * Compaction in place: many small files of a partition become one large sorted one, and no reader sees a difference.
 *
 * Rows and an order-free fingerprint are compared before and after, and the commit re-validates that its inputs are still
 * live. It yields to appends: who loses looks again, and gives up when its inputs are gone. The one thing left out are
 * revisions of windows that were superseded long ago (superseded.ts); they are counted.
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
import { droppedProperties } from "./retention.ts";
import { holdsRevisions, settledPartitions, settledSequence, withoutSuperseded } from "./superseded.ts";
import { localCopies } from "./local_copies.ts";
import { parseTableKey } from "./table_key.ts";
import type { TableLayout } from "./tables.ts";

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
  /** Superseded revisions of windows that were left out. */
  dropped_rows: number;
}

const ROW_GROUP_ROWS = 500_000;

/** What a unit is made from, and what of it counts. */
interface Work {
  layout: TableLayout;
  metadata: TableMetadata;
  fields: readonly IcebergField[];
  unit: CompactionUnit;
  /** Addresses of files whose rows may supersede others; empty where nothing is left out. */
  settled: ReadonlySet<string>;
}

export class Compactor {
  constructor(private readonly context: CompactorContext) {}

  async compact(layout: TableLayout, options: CompactOptions = {}): Promise<Compacted> {
    const { store, catalog, clock = systemClock } = this.context;
    const table = await catalog.load(parseTableKey(layout.key));
    const done: Compacted = { units: 0, files_before: 0, files_after: 0, bytes: 0, dropped_rows: 0 };
    if (!table) return done;
    const { metadata } = table;
    const fields = currentFields(metadata);
    const files = (await readFiles(store, metadata)).map((file) => ({
      ...file,
      key: partitionKey(file.partition),
    }));
    const until = holdsRevisions(layout.key, fields) ? settledSequence(metadata, clock.now()) : 0;
    const quiet = settledPartitions(files, until);
    const settled = new Set(files.filter((one) => one.sequence_number <= until).map((one) => one.path));
    const candidates = files.map(({ path, key, size_bytes, record_count }) => ({
      path,
      partition: key,
      size_bytes,
      record_count,
    }));
    const isFull = (partition: string) => options.full === true || quiet.has(partition);
    for (const unit of planCompaction(candidates, COMPACTION_LIMITS, isFull)) {
      if (options.signal?.aborted) break;
      const after = options.dry_run
        ? { files: 1, dropped_rows: 0 }
        : await this.#unit({ layout, metadata, fields, unit, settled });
      if (after === null) continue;
      done.units++;
      done.files_before += unit.files.length;
      done.files_after += after.files;
      done.bytes += unit.size_bytes;
      done.dropped_rows += after.dropped_rows;
    }
    return done;
  }

  /** What was written, or null when somebody else took an input away meanwhile. */
  async #unit(work: Work): Promise<{ files: number; dropped_rows: number } | null> {
    const { lander, store } = this.context;
    const { layout, metadata, unit } = work;
    return await lander.inFolder(async (folder) => {
      const paths = await localCopies(store, unit.files, folder);
      const written = await this.#rewrite(work, paths, folder);
      const added = await lander.store(layout, metadata, written);
      const dropped_rows = rowsOf(unit.files) - rowsOf(added);
      return await this.#commit(work, added, dropped_rows) ? { files: added.length, dropped_rows } : null;
    });
  }

  async #rewrite(
    { layout, fields, unit, settled }: Work,
    paths: readonly string[],
    folder: string,
  ): Promise<WrittenFile[]> {
    const older = paths.filter((_, i) => settled.has(unit.files[i].path));
    const select = withoutSuperseded(paths, older, fields);
    const written = await this.context.writer.write({
      select,
      columns: fields,
      order_by: layout.order_by,
      day_column: layout.day_column,
      day: dayOf(unit),
      folder,
      row_group_rows: ROW_GROUP_ROWS,
    });
    const before = await this.#fingerprint(select, fields);
    const after = await this.#fingerprint(parquetRelation(written.map((file) => file.path), fields), fields);
    const there = older.length === 0
      ? before.rows
      : (await this.#fingerprint(parquetRelation(paths, fields), fields)).rows;
    if (before.text !== after.text || there !== rowsOf(unit.files)) {
      const state = `${before.text} of ${there} rows went in, ${after.text} came out`;
      throw new Fault("compaction_differs", `Cannot compact ${layout.key}: ${state}`, {
        blame: "us",
        retry: "after_backoff",
      });
    }
    return written;
  }

  async #fingerprint(relation: string, fields: readonly IcebergField[]) {
    const { rows: [row] } = await this.context.writer.query(fingerprintQuery(relation, fields));
    return { rows: Number(row[0]), text: JSON.stringify(row) };
  }

  async #commit(
    { layout, metadata: base, unit }: Work,
    added: readonly DataFile[],
    dropped_rows: number,
  ): Promise<boolean> {
    const { catalog, store, clock = systemClock } = this.context;
    const removed = unit.files.map((file) => file.path);
    const table = await commitUpdate({
      catalog,
      store,
      clock,
      name: parseTableKey(layout.key),
      plan: async ({ metadata }) => {
        // Files written before a collection may be what it took for garbage.
        if (metadata.properties[COLLECTED] !== base.properties[COLLECTED]) return null;
        const live = new Set((await readFiles(store, metadata)).map((file) => file.path));
        if (!removed.every((path) => live.has(path))) return null;
        const summary = appliedSummary(metadata);
        if (dropped_rows === 0) return { operation: "replace", added, removed, summary };
        const properties = droppedProperties(metadata, dropped_rows);
        return { operation: "overwrite", added, removed, summary, properties };
      },
    });
    return table !== null;
  }
}

/** All files of a unit have one partition: one day, or none. */
function dayOf(unit: CompactionUnit): number | null {
  const pairs = JSON.parse(unit.partition) as [string, number | null][];
  return pairs.length === 0 ? null : pairs[0][1];
}

function rowsOf(files: readonly { record_count: number }[]): number {
  return files.reduce((sum, file) => sum + file.record_count, 0);
}
