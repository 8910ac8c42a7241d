/**
 * The lake as the engine sees it: each table is a view over the data files of one snapshot, made when a statement
 * first needs it and made anew when the snapshot moved.
 *
 *   names in the SQL ─► file lists (API) ─► small files fetched side by side, large ones read by ranges ─► views
 *
 * Files are told apart by address, which never changes its content, so what was registered once stays good.
 */
import { getJson, type Page, reach } from "../shared/api.ts";
import { NameIndex, quoteIdentifier, STAGES, tablesIn } from "../sql/names.ts";
import { filesSelect } from "../../lib/query/relation_sql.ts";
import { conditionsOf, mayHold } from "../../lib/query/pruning.ts";
import { tokensOf } from "../../lib/query/sql_text.ts";
import { asksForTime, clockMacros } from "./clock_macros.ts";
import type { EngineSession } from "./session.ts";

/** Below this a file is fetched whole: one request instead of three or more in a row. */
const SMALL_FILE_BYTES = 1_000_000;
/** More than a browser sends to one server at a time, so that it always has the next one at hand. */
const FETCHES_AT_ONCE = 16;
/** Fetched files kept in the engine at most; beyond, those of no use to the statement at hand go. */
const KEPT_BYTES = 400_000_000;

export interface TableInfo {
  name: string;
  kind: "table" | "view";
  sql?: string | null;
  rows: number | string | null;
  files: number | null;
  bytes: number | string | null;
  snapshot_id: string | number | null;
  committed_at?: string | null;
  watermark?: string | null;
  freshness_seconds?: number | null;
}

export interface SchemaField {
  id: number;
  name: string;
  type: unknown;
  doc?: string;
}

/** Fields of a schema, which comes in Iceberg's form or as a bare list. */
export function fieldsOf(
  schema: { fields?: readonly SchemaField[] } | readonly SchemaField[] | undefined,
): readonly SchemaField[] {
  if (!schema) return [];
  return "fields" in schema ? schema.fields ?? [] : schema as readonly SchemaField[];
}

export interface DataFile {
  name: string;
  url: string;
  size_bytes: number;
  rows: number;
  min?: Readonly<Record<string, unknown>> | null;
  max?: Readonly<Record<string, unknown>> | null;
}

export interface FileList {
  snapshot_id: string | number | null;
  committed_at: string | null;
  schema: readonly SchemaField[];
  files: readonly DataFile[];
}

/** The moment a statement looks at: now, a time, or one snapshot of one table. */
export interface Moment {
  as_of?: string | null;
  snapshot?: Readonly<Record<string, string>>;
  /** Files whose rows all lie before this event time (`2026-01-31T09:30:00`) may be left out. */
  since?: string | null;
}

/** What a statement reads. */
export interface Prepared {
  tables: {
    name: string;
    snapshot_id: string | number | null;
    committed_at: string | null;
    rows: number;
    bytes: number;
  }[];
  fetched_bytes: number;
  files: number;
  /** Files that no wanted row can be in, by their bounds; not part of `files`. */
  pruned_files: number;
}

/** What reading the tables of a statement takes at most. */
export interface Estimate {
  bytes: number;
  files: number;
  pruned_files: number;
}

/** A file that the list named is there no longer: the list is old. */
export class FileGone extends Error {
  override name = "FileGone";
  constructor(file: string) {
    super(`Cannot read ${file}: it was replaced by newer files meanwhile; run the query again`);
  }
}

interface RegisteredFile {
  size_bytes: number;
  /** Held by the engine as a whole; else read by ranges. */
  isBuffer: boolean;
  /** What was read by ranges when somebody asked last. */
  read_bytes: number;
}

export class Lake {
  #tables: readonly TableInfo[] = [];
  #generation = -1;
  #registered = new Map<string, RegisteredFile>();
  #views = new Map<string, string>();

  constructor(readonly session: EngineSession) {}

  /** Asks for the tables anew. */
  async refresh(signal?: AbortSignal): Promise<readonly TableInfo[]> {
    this.#tables = (await getJson<Page<TableInfo>>("/api/tables", { limit: 1000 }, signal)).items;
    return this.#tables;
  }

  get tables(): readonly TableInfo[] {
    return this.#tables;
  }

  /** Makes every table that the SQL may read ready at its moment. To be called inside `session.exclusive`. */
  async prepare(sql: string, moment: Moment, signal: AbortSignal): Promise<Prepared> {
    if (this.#tables.length === 0) await this.refresh(signal);
    await this.session.engine();
    if (this.#generation !== this.session.generation) await this.#begin();
    const now = new Date();
    const { names, tables, lists, pruned_files } = await this.#needed(sql, moment, now, signal);
    if ([sql, ...names.map((name) => this.#info(name).sql ?? "")].some(asksForTime)) {
      for (const macro of clockMacros(now)) await this.session.run(macro);
    }
    const fetched_bytes = await this.#register(lists.flatMap((list) => list.files), signal);
    for (const [at, name] of tables.entries()) await this.#defineTable(name, lists[at]);
    for (const name of names) await this.#defineView(name);
    return {
      fetched_bytes,
      pruned_files,
      files: lists.reduce((sum, list) => sum + list.files.length, 0),
      tables: tables.map((name, at) => ({
        name,
        snapshot_id: lists[at].snapshot_id,
        committed_at: lists[at].committed_at,
        rows: lists[at].files.reduce((sum, file) => sum + Number(file.rows), 0),
        bytes: lists[at].files.reduce((sum, file) => sum + Number(file.size_bytes), 0),
      })),
    };
  }

  /** What the statement would read at most, before anything is read. */
  async estimate(sql: string, moment: Moment, signal: AbortSignal): Promise<Estimate> {
    if (this.#tables.length === 0) await this.refresh(signal);
    const { lists, pruned_files } = await this.#needed(sql, moment, new Date(), signal);
    const files = lists.flatMap((list) => list.files);
    return {
      bytes: files.reduce((sum, file) => sum + Number(file.size_bytes), 0),
      files: files.length,
      pruned_files,
    };
  }

  /** Tables that a statement may read, what is under them, and their files without those that cannot matter. */
  async #needed(sql: string, moment: Moment, now: Date, signal: AbortSignal) {
    const index = new NameIndex(this.#tables.map((table) => table.name));
    const names = this.#withDependencies(tablesIn(sql, index), index);
    const tables = names.filter((name) => this.#info(name).kind === "table");
    const all = await Promise.all(tables.map((name) => this.fileList(name, moment, signal)));
    const conditions = names.length === 1 ? conditionsOf(tokensOf(sql), now) : [];
    const lists = all.map((list) => {
      const types = new Map(list.schema.map((field) => [field.name.toLowerCase(), field.type]));
      return { ...list, files: list.files.filter((file) => mayHold(file, conditions, types)) };
    });
    const count = (of: readonly FileList[]) => of.reduce((sum, list) => sum + list.files.length, 0);
    return { names, tables, lists, pruned_files: count(all) - count(lists) };
  }

  async fileList(name: string, moment: Moment, signal?: AbortSignal): Promise<FileList> {
    const snapshot = moment.snapshot?.[name];
    const query = snapshot ? { snapshot } : { as_of: moment.as_of };
    const list = await getJson<FileList>(`/api/tables/${encodeURIComponent(name)}/files`, query, signal);
    const schema = fieldsOf(list.schema);
    const { since } = moment;
    return {
      ...list,
      schema,
      files: since ? list.files.filter((file) => !endsBefore(file, since)) : list.files,
    };
  }

  /** A new engine knows nothing: the stages, and the order in which unqualified names are looked for. */
  async #begin(): Promise<void> {
    this.#registered.clear();
    this.#views.clear();
    for (const stage of STAGES) await this.session.run(`CREATE SCHEMA IF NOT EXISTS ${stage}`);
    await this.session.run(`SET search_path = 'main,${STAGES.join(",")}'`);
    this.#generation = this.session.generation;
  }

  #info(name: string): TableInfo {
    const info = this.#tables.find((table) => table.name === name);
    if (!info) throw new RangeError(`no table ${name}`);
    return info;
  }

  /** The names with the tables under their views, what is read before what reads it. */
  #withDependencies(names: readonly string[], index: NameIndex): string[] {
    const ordered: string[] = [];
    const visit = (name: string, above: readonly string[]) => {
      if (ordered.includes(name) || above.includes(name)) return;
      const { sql } = this.#info(name);
      for (const under of sql ? tablesIn(sql, index) : []) visit(under, [...above, name]);
      ordered.push(name);
    };
    for (const name of names) visit(name, []);
    return ordered;
  }

  /** Fetches small files side by side, names large ones; gives the bytes that were fetched. */
  async #register(files: readonly DataFile[], signal: AbortSignal): Promise<number> {
    const missing = files.filter((file) => !this.#registered.has(registeredName(file)));
    const engine = await this.session.engine();
    await this.#makeRoom(files);
    let fetched = 0;
    const registering: Promise<void>[] = [];
    const small = missing.filter((file) => file.size_bytes < SMALL_FILE_BYTES);
    await inTurns(small, FETCHES_AT_ONCE, async (file) => {
      const bytes = await fetchFile(file, signal);
      fetched += bytes.length;
      // Not waited for here: the next file can be on its way meanwhile.
      registering.push(engine.registerBuffer(registeredName(file), bytes));
      this.#registered.set(registeredName(file), {
        size_bytes: file.size_bytes,
        isBuffer: true,
        read_bytes: 0,
      });
    });
    await Promise.all(registering);
    for (const file of missing.filter((one) => one.size_bytes >= SMALL_FILE_BYTES)) {
      await engine.registerUrl(registeredName(file), file.url);
      this.#registered.set(registeredName(file), {
        size_bytes: file.size_bytes,
        isBuffer: false,
        read_bytes: 0,
      });
    }
    return fetched;
  }

  /** Bytes that statements read by ranges since this was asked last. */
  async takeRangeBytes(): Promise<number> {
    const engine = await this.session.engine();
    if (this.#generation !== this.session.generation) return 0;
    let taken = 0;
    for (const [name, file] of this.#registered) {
      if (file.isBuffer) continue;
      const read = await engine.bytesRead(name);
      taken += read - file.read_bytes;
      file.read_bytes = read;
    }
    return taken;
  }

  /** Lets go of all files, so that the next statement asks for the lists and the files anew. */
  async forgetFiles(): Promise<void> {
    const engine = await this.session.engine();
    for (const name of this.#registered.keys()) await engine.dropFile(name);
    this.#registered.clear();
    this.#views.clear();
  }

  async #makeRoom(needed: readonly DataFile[]): Promise<void> {
    const kept = [...this.#registered.values()].reduce(
      (sum, file) => sum + (file.isBuffer ? file.size_bytes : 0),
      0,
    );
    if (kept < KEPT_BYTES) return;
    const used = new Set(needed.map(registeredName));
    const engine = await this.session.engine();
    for (const name of this.#registered.keys()) {
      if (used.has(name)) continue;
      await engine.dropFile(name);
      this.#registered.delete(name);
    }
    // Views over dropped files are made anew when they are needed.
    this.#views.clear();
  }

  async #defineTable(name: string, list: FileList): Promise<void> {
    const paths = list.files.map(registeredName);
    await this.#define(name, filesSelect({ kind: "files", name, columns: list.schema, paths }));
  }

  async #defineView(name: string): Promise<void> {
    const { sql, kind } = this.#info(name);
    if (kind === "view" && sql) await this.#define(name, sql);
  }

  async #define(name: string, sql: string): Promise<void> {
    if (this.#views.get(name) === sql) return;
    const qualified = name.split(".").map(quoteIdentifier).join(".");
    await this.session.run(`CREATE OR REPLACE VIEW ${qualified} AS ${sql}`);
    this.#views.set(name, sql);
  }
}

function endsBefore(file: DataFile, since: string): boolean {
  const newest = file.max?.event_time;
  return typeof newest === "string" && newest.replace(" ", "T") < since;
}

/** The engine's name of a file: its address without the host, never an address that the engine would fetch by itself. */
function registeredName(file: DataFile): string {
  return file.url.replace(/^\/+/, "");
}

async function fetchFile(file: DataFile, signal: AbortSignal): Promise<Uint8Array> {
  const response = await reach(file.url, { signal }, "Millrace or its store");
  if (response.status === 404 || response.status === 410) throw new FileGone(file.name);
  if (!response.ok) throw new Error(`Cannot read ${file.name}: the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function inTurns<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const hands = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    while (next < items.length) await work(items[next++]);
  });
  await Promise.all(hands);
}
