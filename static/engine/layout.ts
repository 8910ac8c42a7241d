/**
 * Reads files of any age as the table's present columns. Columns are found by their Iceberg field id, as every Iceberg
 * reader does: a renamed column keeps its values, a new one is NULL in old files, a widened one is cast.
 *
 * Files with the same names, types and ids form one group with one `read_parquet`; mostly there is one group.
 */
import { quoteIdentifier, quoteText } from "../sql/names.ts";
import { collect, textRows } from "./collect.ts";
import type { EngineSession } from "./session.ts";

export interface TableColumn {
  id: number;
  name: string;
  engine_type: string;
}

interface FileColumn {
  name: string;
  id: number | null;
}

interface Layout {
  columns: readonly FileColumn[];
  /** Engine types by column name. */
  types: ReadonlyMap<string, string>;
}

export class FileLayouts {
  /** Signature of each file seen, and the layout of each signature. */
  #signatures = new Map<string, string>();
  #layouts = new Map<string, Layout>();

  constructor(readonly session: EngineSession) {}

  /** A SELECT that gives `columns` from registered files; no files, no rows. */
  async select(columns: readonly TableColumn[], files: readonly string[]): Promise<string> {
    if (files.length === 0) return emptySelect(columns);
    await this.#learn(files.filter((file) => !this.#signatures.has(file)));
    const groups = Map.groupBy(files, (file) => this.#signatures.get(file) ?? "");
    const parts = [...groups].map(([signature, members]) => {
      const layout = this.#layouts.get(signature) ?? { columns: [], types: new Map() };
      const list = columns.map((column) => projected(column, layout)).join(", ");
      return `SELECT ${list} FROM read_parquet([${members.map(quoteText).join(", ")}])`;
    });
    return parts.join(" UNION ALL ");
  }

  async #learn(files: readonly string[]): Promise<void> {
    if (files.length === 0) return;
    const rows = await this.#rows(
      `SELECT file_name, name, type, field_id, num_children, converted_type, logical_type
       FROM parquet_schema([${files.map(quoteText).join(", ")}])`,
    );
    const byFile = Map.groupBy(rows, (row) => row[0] ?? "");
    for (const [file, schema] of byFile) {
      const signature = JSON.stringify(schema.map((row) => row.slice(1)));
      this.#signatures.set(file, signature);
      if (!this.#layouts.has(signature)) {
        this.#layouts.set(signature, { columns: topLevel(schema), types: await this.#types(file) });
      }
    }
  }

  async #types(file: string): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#rows(`DESCRIBE SELECT * FROM read_parquet([${quoteText(file)}])`);
    return new Map(rows.map((row) => [row[0] ?? "", row[1] ?? ""]));
  }

  async #rows(sql: string): Promise<(string | null)[][]> {
    return textRows(await collect(this.session, sql));
  }
}

function emptySelect(columns: readonly TableColumn[]): string {
  const list = columns.map((column) => `NULL::${column.engine_type} AS ${quoteIdentifier(column.name)}`);
  return `SELECT ${list.join(", ") || "NULL AS nothing"} WHERE false`;
}

function projected(column: TableColumn, layout: Layout): string {
  const name = quoteIdentifier(column.name);
  const hasIds = layout.columns.some((one) => one.id !== null);
  const source = layout.columns.find((one) => hasIds ? one.id === column.id : one.name === column.name);
  if (!source) return `NULL::${column.engine_type} AS ${name}`;
  const stored = quoteIdentifier(source.name);
  const type = layout.types.get(source.name);
  if (type && type !== column.engine_type && isScalar(type) && isScalar(column.engine_type)) {
    return `${stored}::${column.engine_type} AS ${name}`;
  }
  return source.name === column.name ? name : `${stored} AS ${name}`;
}

function isScalar(type: string): boolean {
  return !/[[<]|STRUCT|MAP/.test(type);
}

/** The columns under the root of a Parquet schema, which lists its nodes depth first with their numbers of children. */
export function topLevel(schema: readonly (readonly (string | null)[])[]): FileColumn[] {
  const columns: FileColumn[] = [];
  let skip = 0;
  for (const [, name, , id, children] of schema.slice(1)) {
    if (skip === 0) columns.push({ name: name ?? "", id: id === null ? null : Number(id) });
    else skip -= 1;
    skip += Number(children ?? 0);
  }
  return columns;
}
