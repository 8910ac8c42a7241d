/** `/api/tables`: the tables and views of the lake, their schemas, snapshots and files. */
import { type Context, Hono } from "hono";
import { Fault } from "../lib/errors.ts";
import type { Catalog, LoadedTable, TableName } from "../lib/iceberg/catalog.ts";
import { readFiles } from "../lib/iceberg/live_files.ts";
import { currentSchema, type IcebergSchema, type Snapshot } from "../lib/iceberg/metadata.ts";
import { namedBounds } from "../lib/iceberg/named_bounds.ts";
import { currentSnapshot, findSnapshot, schemaSeen, type SnapshotChoice } from "../lib/iceberg/snapshot.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";
import { viewsOver } from "../lib/lake/views.ts";
import { writtenTime } from "../lib/written_time.ts";
import { ANY_TEXT, cutList, faulty, pageRequest } from "./cursor.ts";
import type { Env } from "./door.ts";
import type { LakeFiles } from "./lake_files.ts";
import { ONE_MOMENT } from "./parameters.ts";

export interface NamedView {
  /** `stage.view` */
  name: string;
  sql: string;
  doc: string;
}

export interface TablesDeps {
  catalog: Catalog;
  store: ObjectStore;
  files: LakeFiles;
  views(): readonly NamedView[];
  /** How far the lake as a whole is; both are null while nobody knows. */
  progress(): Promise<{ watermark: string | null; freshness_seconds: number | null }>;
  /** Columns of a view, which only an engine can tell. */
  describeView(name: string): Promise<{ name: string; type: string }[]>;
}

/** Where names without a stage are looked for. */
const STAGES = ["processed", "analytics", "raw"];

export function tables(deps: TablesDeps): Hono<Env> {
  return new Hono<Env>()
    .get("/api/tables", async (c) => {
      const names = await deps.catalog.list();
      const loaded = await Promise.all(names.map((name) => deps.catalog.load(name)));
      const { watermark, freshness_seconds } = await deps.progress();
      const progress = { watermark, freshness_seconds };
      const items = [
        ...loaded.filter((table) => table !== null).map((table) => ({ ...tableItem(table), ...progress })),
        ...viewsOver(new Set(names.map(keyOf)), deps.views()).map((view) => ({
          ...viewItem(view),
          ...progress,
        })),
      ].sort((a, b) => (a.name < b.name ? -1 : 1));
      return c.json(cutList(items, pageRequest(c, [ANY_TEXT]), { keyOf: (item) => item.name }));
    })
    .get("/api/tables/:name", async (c) => {
      const found = await find(deps, c.req.param("name"));
      const { watermark, freshness_seconds } = await deps.progress();
      const progress = { watermark, freshness_seconds };
      if ("sql" in found) {
        const schema = { fields: await deps.describeView(found.name) };
        return c.json({ ...viewItem(found), ...progress, doc: found.doc, schema });
      }
      return c.json({ ...tableItem(found), ...progress, ...about(found) });
    })
    .get("/api/tables/:name/snapshots", async (c) => {
      const table = await findTable(deps, c.req.param("name"));
      const items = table.metadata.snapshots.map(snapshotItem).reverse();
      const order = { keyOf: sequenceKey(table), descending: true };
      return c.json(cutList(items, pageRequest(c, [ANY_TEXT]), order));
    })
    .get("/api/tables/:name/files", async (c) => {
      const table = await findTable(deps, c.req.param("name"));
      const choice = choiceOf(c);
      const snapshot = findSnapshot(table.metadata, choice);
      if (snapshot === null && choice.snapshot !== undefined) throw noSnapshot(choice.snapshot);
      const { fields } = schemaSeen(table.metadata, choice, snapshot);
      return c.json(await fileList(deps, table, { snapshot, fields }));
    });
}

function tableItem(table: LoadedTable) {
  const snapshot = currentSnapshot(table.metadata);
  const total = (name: string) => Number(snapshot?.summary[name] ?? 0);
  return {
    name: keyOf(table.name),
    kind: "table" as const,
    rows: total("total-records"),
    files: total("total-data-files"),
    bytes: total("total-files-size"),
    snapshot_id: snapshot?.["snapshot-id"] ?? null,
    committed_at: snapshot === null ? null : isoTime(snapshot["timestamp-ms"]),
    metadata_location: table.metadata_location,
  };
}

function viewItem({ name, sql }: NamedView) {
  const none = { rows: null, files: null, bytes: null, snapshot_id: null, committed_at: null };
  return { name, kind: "view" as const, sql, ...none, metadata_location: null };
}

function about({ metadata }: LoadedTable) {
  const spec = metadata["partition-specs"].find((one) => one["spec-id"] === metadata["default-spec-id"]);
  return {
    doc: metadata.properties.comment ?? null,
    schema: currentSchema(metadata),
    partitioned_by: spec?.fields.map(({ name }) => name) ?? [],
    schema_versions: metadata.schemas.length,
    snapshots: metadata.snapshots.length,
  };
}

function snapshotItem(snapshot: Snapshot) {
  const { summary } = snapshot;
  return {
    snapshot_id: snapshot["snapshot-id"],
    parent_snapshot_id: snapshot["parent-snapshot-id"] ?? null,
    committed_at: isoTime(snapshot["timestamp-ms"]),
    operation: summary.operation,
    rows: Number(summary["total-records"] ?? 0),
    added_rows: Number(summary["added-records"] ?? 0),
    files: Number(summary["total-data-files"] ?? 0),
    bytes: Number(summary["total-files-size"] ?? 0),
    schema_id: snapshot["schema-id"],
  };
}

/** Snapshot ids are random; their order is that of the commits. */
function sequenceKey({ metadata }: LoadedTable): (item: { snapshot_id: number }) => string {
  const sequence = new Map(metadata.snapshots.map((one) => [one["snapshot-id"], one["sequence-number"]]));
  return ({ snapshot_id }) => String(sequence.get(snapshot_id)).padStart(16, "0");
}

async function fileList(
  deps: TablesDeps,
  table: LoadedTable,
  { snapshot, fields }: { snapshot: Snapshot | null; fields: IcebergSchema["fields"] },
) {
  const live = snapshot === null ? [] : await readFiles(deps.store, table.metadata, snapshot["snapshot-id"]);
  deps.files.remember(table, live);
  return {
    snapshot_id: snapshot?.["snapshot-id"] ?? null,
    committed_at: snapshot === null ? null : isoTime(snapshot["timestamp-ms"]),
    schema: fields,
    files: live.map((file) => ({
      name: file.path.slice(file.path.lastIndexOf("/") + 1),
      url: deps.files.urlOf(file.path),
      size_bytes: file.size_bytes,
      rows: file.record_count,
      ...namedBounds(file, fields),
    })),
  };
}

/** `snapshot` is an id, or `as_of` a time, RFC 3339 or milliseconds. */
function choiceOf(c: Context<Env>): SnapshotChoice {
  const { snapshot, as_of } = c.req.query();
  if (snapshot) {
    if (!/^\d{1,19}$/.test(snapshot)) throw faulty("snapshot", "a snapshot id");
    if (as_of) throw faulty("snapshot", ONE_MOMENT);
    return { snapshot: Number(snapshot) };
  }
  if (!as_of) return {};
  const ms = /^\d{10,15}$/.test(as_of) ? Number(as_of) : writtenTime(as_of);
  if (ms === null) throw faulty("as_of", "an RFC 3339 time");
  return { as_of: ms };
}

async function namesOf({ catalog }: TablesDeps): Promise<Set<string>> {
  return new Set((await catalog.list()).map(keyOf));
}

async function find(deps: TablesDeps, name: string): Promise<LoadedTable | NamedView> {
  const candidates = name.includes(".") ? [name] : STAGES.map((stage) => `${stage}.${name}`);
  const views = deps.views();
  for (const candidate of candidates) {
    const view = views.find((one) => one.name === candidate);
    if (view && viewsOver(await namesOf(deps), [view]).length > 0) return view;
    const table = await deps.catalog.load(parsed(candidate));
    if (table) return table;
  }
  throw new Fault("no_such_table", `Cannot find the table ${name}: there is none`, {
    blame: "sender",
    retry: "never",
  });
}

async function findTable(deps: TablesDeps, name: string): Promise<LoadedTable> {
  const found = await find(deps, name);
  if (!("sql" in found)) return found;
  throw new Fault("no_such_table", `Cannot list files of ${name}: it is a view`, {
    blame: "sender",
    retry: "never",
  });
}

function noSnapshot(id: number): Fault {
  return new Fault("no_such_snapshot", `Cannot read snapshot ${id}: the table has none such, or no longer`, {
    blame: "sender",
    retry: "after_refresh",
  });
}

const PART = /^[a-z][a-z0-9_]{0,127}$/;

function parsed(name: string): TableName {
  const [stage, table, ...rest] = name.split(".");
  if (rest.length > 0 || !PART.test(stage) || !PART.test(table ?? "")) throw faulty("name", "stage.table");
  return { stage, name: table };
}

function keyOf({ stage, name }: TableName): string {
  return `${stage}.${name}`;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
