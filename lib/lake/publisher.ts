/**
 * Publishing: the rows of all decided checkpoints that a table has not applied become files and one Iceberg append.
 *
 *   table's newest metadata ─► what is applied ─► plan ─► rows of segments ─► sorted Parquet ─► append + `applied`
 *            ▲                                                                                       │ taken
 *            └───────────────────────────────────────────────────────────────────────────────────────┘
 *
 * Anyone may publish, any number at once: `applied` moves in the same metadata commit that adds the rows, and every try
 * reads it again from the metadata that it commits on.
 */
import type { CheckpointChain } from "../checkpoint/chain.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { lineage } from "../checkpoint/lineage.ts";
import { readSegmentIndex, readSegmentPart } from "../checkpoint/segment.ts";
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { commitUpdate, type SnapshotUpdate } from "../iceberg/commit.ts";
import type { DataFile } from "../iceberg/data_file.ts";
import { COLLECTED } from "../iceberg/update.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { APPLIED, type Applied, appliedOf, appliedText } from "./applied.ts";
import type { Lander, LandPiece } from "./lander.ts";
import { planTake, type Take, type TakeLimits } from "./take.ts";
import { parseTableKey } from "./table_key.ts";
import type { TableLayout } from "./tables.ts";

export interface PublisherContext {
  store: ObjectStore;
  catalog: Catalog;
  chains: ReadonlyMap<number, CheckpointChain>;
  /** Turns rows into stored files (lander.ts). */
  lander: Lander;
  clock?: Clock;
  /** A checkpoint or segment is damaged, and was passed over or cannot be. */
  alarm(message: string): void;
}

/** One commit at most; a single checkpoint may exceed it. */
const TAKE_LIMITS: TakeLimits = { max_rows: 1_000_000, max_bytes: 32 * 1024 * 1024, max_days: 1_000 };

export interface Published {
  table: LoadedTable;
  rows: number;
}

/** Files that were made for a take, and what they depended on: used again only if none of it changed. */
interface Landed {
  key: string;
  files: DataFile[];
}

export type Decided = ReadonlyMap<number, readonly Checkpoint[]>;

export class Publisher {
  readonly #seen = new Map<string, Applied>();

  constructor(private readonly context: PublisherContext) {}

  /** All decided checkpoints that can be read, by partition, ascending; what only looks like one is left out. */
  async decided(): Promise<Decided> {
    const found = new Map<number, Checkpoint[]>();
    for (const [partition, chain] of this.context.chains) {
      const numbers = await chain.numbers();
      const read = await Promise.all(numbers.map((number) =>
        chain.read(number, (reason) => {
          this.context.alarm(
            `checkpoint ${number} of partition ${partition} is damaged (${reason}); passed over`,
          );
        })
      ));
      const readable = read.filter((checkpoint) => checkpoint !== null);
      found.set(partition, lineage(numbers, new Map(readable.map((one) => [one.number, one]))));
    }
    return found;
  }

  /**
   * Publishes what of `decided` the table has not applied; null when there was nothing. One commit: call again until null.
   * What a table was last seen to have applied saves the look when there can be nothing new.
   */
  async publish(spec: TableLayout, decided: Decided, signal?: AbortSignal): Promise<Published | null> {
    const seen = this.#seen.get(spec.key);
    if (seen && !planTake(spec.key, seen, decided, TAKE_LIMITS)) return null;
    const name = parseTableKey(spec.key);
    const landed: { last: Landed | null } = { last: null };
    let rows = 0;
    const table = await commitUpdate({
      catalog: this.context.catalog,
      store: this.context.store,
      clock: this.context.clock ?? systemClock,
      name,
      signal,
      plan: async (base) => {
        const applied = appliedOf(base.metadata);
        this.#seen.set(spec.key, applied);
        const take = planTake(spec.key, applied, decided, TAKE_LIMITS);
        rows = take?.rows ?? 0;
        return take ? await this.#update(spec, base, { take, landed }) : null;
      },
    });
    if (!table || rows === 0) return null;
    this.#seen.set(spec.key, appliedOf(table.metadata));
    return { table, rows };
  }

  async #update(
    spec: TableLayout,
    base: LoadedTable,
    { take, landed }: { take: Take; landed: { last: Landed | null } },
  ): Promise<SnapshotUpdate> {
    const key = landingKey(take, base);
    if (landed.last?.key !== key) landed.last = { key, files: await this.#land(spec, base, take) };
    const applied = appliedText(take.applied);
    return {
      operation: "append",
      added: landed.last.files,
      properties: { [APPLIED]: applied },
      summary: { [APPLIED]: applied },
    };
  }

  async #land(spec: TableLayout, base: LoadedTable, take: Take): Promise<DataFile[]> {
    if (take.checkpoints.length === 0) return [];
    const pieces: LandPiece[] = [];
    for (const checkpoint of take.checkpoints) pieces.push(...await this.#pieces(spec.key, checkpoint));
    return await this.context.lander.land(spec, base.metadata, pieces);
  }

  /** A table's rows of one checkpoint, as they stand in its segment: one piece, or more around a change of its columns. */
  async #pieces(table: string, checkpoint: Checkpoint): Promise<LandPiece[]> {
    const { store } = this.context;
    const { segment } = checkpoint;
    if (!segment) return [];
    const index = await readSegmentIndex(store, segment);
    if (!index) throw missing(table, checkpoint, segment.key);
    const pieces: LandPiece[] = [];
    for (const part of index.parts.filter((one) => one.name === table)) {
      const bytes = await readSegmentPart(store, segment.key, part);
      if (!bytes) throw missing(table, checkpoint, segment.key);
      const { schema_version, rows, day, text_bytes, longest_row_bytes } = part;
      pieces.push({ bytes, schema_version, rows, day, text_bytes, longest_row_bytes });
    }
    const rows = pieces.reduce((sum, piece) => sum + piece.rows, 0);
    if (rows !== checkpoint.tables[table]?.rows) throw miscounted(table, checkpoint, rows);
    return pieces;
  }
}

/** Equal keys: the same rows, written for the same schema, and no garbage was collected meanwhile. */
function landingKey(take: Take, base: LoadedTable): string {
  const { metadata } = base;
  return JSON.stringify([
    take.checkpoints.map((one) => [one.partition, one.number, one.write_id]),
    metadata["current-schema-id"],
    metadata["default-spec-id"],
    metadata.properties[COLLECTED] ?? null,
  ]);
}

/** Perhaps somebody else published and collected it meanwhile: whoever looks again sees that. */
function missing(table: string, checkpoint: Checkpoint, key: string): Fault {
  return new Fault(
    "segment_missing",
    `Cannot publish checkpoint ${checkpoint.number} of partition ${checkpoint.partition} into ${table}: ${key} is gone`,
    { blame: "dependency", retry: "after_refresh" },
  );
}

/** What was decided and what stands in the segment differ: nothing that is counted may go unseen. */
function miscounted(table: string, { number, partition, tables }: Checkpoint, rows: number): Fault {
  return new Fault(
    "rows_miscounted",
    `Cannot publish checkpoint ${number} of partition ${partition} into ${table}: it decided ${
      tables[table]?.rows
    } ` +
      `rows, its segment holds ${rows}`,
    { blame: "us", retry: "never" },
  );
}
