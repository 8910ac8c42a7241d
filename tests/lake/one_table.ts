/** One table of the lake with real files, filled by hand, at times that a test chooses. */
import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import type { Row } from "../../lib/event/column.ts";
import type { LoadedTable } from "../../lib/iceberg/catalog.ts";
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { type LiveFile, readFiles } from "../../lib/iceberg/live_files.ts";
import { Compactor } from "../../lib/lake/compactor.ts";
import { ensureTables } from "../../lib/lake/ensure_tables.ts";
import { currentFields, Lander } from "../../lib/lake/lander.ts";
import { misplacedTables, relocateTable } from "../../lib/lake/relocation.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import type { TableSpec } from "../../lib/lake/tables.ts";
import { parquetRelation } from "../../lib/parquet/relation.ts";
import type { ParquetWriter } from "../../lib/parquet/writer.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { quickFolder } from "../quick_folder.ts";
import { PREFIX, TestClock } from "./small_lake.ts";

const compress = promisify(zstdCompress);

export class OneTable implements AsyncDisposable {
  private constructor(
    readonly spec: TableSpec,
    readonly writer: ParquetWriter,
    readonly folder: string,
    readonly store: ObjectStore,
    readonly clock: TestClock,
  ) {}

  /** A new one, or the one that is in `at`. */
  static async open(spec: TableSpec, writer: ParquetWriter, at?: string): Promise<OneTable> {
    const folder = at ?? await quickFolder();
    const table = new OneTable(spec, writer, folder, openDiskStore(folder), new TestClock());
    await table.ensure(spec);
    return table;
  }

  /** The same table in a folder to which its own was moved. */
  at(folder: string): OneTable {
    return new OneTable(this.spec, this.writer, folder, openDiskStore(folder), this.clock);
  }

  /** Another with the same files, in a folder of its own. */
  async copy(): Promise<OneTable> {
    const folder = await quickFolder();
    await new Deno.Command("cp", { args: ["-r", `${this.folder}/.`, folder] }).output();
    const copy = this.at(folder);
    for (const one of await misplacedTables({ ...copy.parts, prefix: PREFIX })) {
      await relocateTable({ ...copy.parts, prefix: PREFIX }, one);
    }
    return copy;
  }

  get parts() {
    const { catalog, store, clock } = this;
    return { catalog, store, clock };
  }

  get name() {
    return parseTableKey(this.spec.key);
  }

  get catalog() {
    return fileCatalog(this.store, { prefix: PREFIX, clock: this.clock });
  }

  get lander(): Lander {
    const { store, writer, folder } = this;
    return new Lander({ store, writer, prefix: PREFIX, folder: `${folder}/tmp` });
  }

  async ensure(spec: TableSpec): Promise<void> {
    const { catalog, store, clock } = this;
    await ensureTables({ catalog, store, specs: [spec], prefix: PREFIX, now: () => clock.now() });
  }

  async load(): Promise<LoadedTable> {
    return (await this.catalog.load(this.name))!;
  }

  /** One append of rows that were know so many changes. */
  async add(rows: readonly Row[], schema_version = 0): Promise<void> {
    const { catalog, store, clock, name, lander, spec } = this;
    const bytes = await compress(rows.map((row) => JSON.stringify(row) + "\n").join(""));
    const piece = { bytes, schema_version, rows: rows.length };
    await commitUpdate({
      catalog,
      store,
      clock,
      name,
      plan: async ({ metadata }) => ({
        operation: "append",
        added: await lander.land(spec, metadata, [piece]),
      }),
    });
  }

  async compact(options: { full?: boolean } = {}) {
    const { catalog, store, clock, lander, writer, spec } = this;
    return await new Compactor({ catalog, store, clock, lander, writer }).compact(spec, options);
  }

  async files(snapshot?: number): Promise<LiveFile[]> {
    return await readFiles(this.store, (await this.load()).metadata, snapshot);
  }

  /** Of its live files. */
  async paths(snapshot?: number): Promise<string[]> {
    return (await this.files(snapshot)).map((file) => this.store.localPath(this.store.keyOf(file.path)!)!);
  }

  /** Rows of a SELECT in which `$` stands for the table. */
  async rows(sql: string, snapshot?: number): Promise<unknown[][]> {
    const paths = await this.paths(snapshot);
    const relation = `(${parquetRelation(paths, currentFields((await this.load()).metadata))})`;
    return (await this.writer.query(sql.replaceAll("$", relation))).rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true }).catch(() => undefined);
  }
}
