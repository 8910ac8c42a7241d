/**
 * The audit: proof from the objects themselves that nothing was lost or doubled. It may run beside everything else;
 * what is not processed or not published yet is no fault.
 *
 *   1 offset ranges of each chain tile      3 `applied` agrees in properties and summary
 *   2 the sum of each source holds          4 rows in tables = rows decided; files are there and readable
 *   5 raw.events holds each record once, and its outcomes are the accounting
 *   6 tables that were fed are there, and segments that none has taken over yet
 */
import type { CheckpointChain } from "../checkpoint/chain.ts";
import type { Checkpoint, SourceCounts } from "../checkpoint/checkpoint.ts";
import { standsOn } from "../checkpoint/lineage.ts";
import { Fault, messageOf } from "../errors.ts";
import type { Catalog, LoadedTable, TableName } from "../iceberg/catalog.ts";
import type { DataFile } from "../iceberg/data_file.ts";
import { readFiles } from "../iceberg/live_files.ts";
import { currentSnapshot } from "../iceberg/snapshot.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { type Applied, appliedOf, markOf, summaryDisagrees } from "./applied.ts";
import { tableKey } from "./table_key.ts";
import { decidedRows, lostRows } from "./unpublished.ts";

export interface AuditReport {
  problems: string[];
  files: number;
  rows: number;
  /** Offsets that decided checkpoints cover. */
  offsets: number;
}

export interface AuditContext {
  catalog: Catalog;
  store: ObjectStore;
  chains: ReadonlyMap<number, CheckpointChain>;
  /** Rows of one SELECT over raw.events at a snapshot; `sql` is told how to name it. */
  ask(sql: (raw: string) => string, scope: RawScope): Promise<readonly (readonly unknown[])[]>;
  /** Bounds the work of one audit among many; without it everything is looked at. */
  within?: AuditBounds;
}

export interface RawScope {
  snapshot: number;
  /** Rows received before it (milliseconds since 1970) need not be there. */
  since: number | null;
}

export interface AuditBounds {
  /** Addresses of files that the audit before has seen; afterwards those that this one has. */
  seen: Set<string>;
  /** What may be read of raw.events: of a larger one only what was received after `recent`, or nothing. */
  raw_bytes: number;
  recent: number;
}

/** Property of a table that counts rows which retention dropped, so that the sum still holds. */
export const DROPPED_ROWS = "millrace.dropped_rows";
const RAW_EVENTS = "raw.events";
const UNREADABLE: ReadonlySet<string> = new Set(["object_damaged", "snapshot_gone"]);

export async function audit(context: AuditContext): Promise<AuditReport> {
  const report: AuditReport = { problems: [], files: 0, rows: 0, offsets: 0 };
  // Tables first: what they have applied was decided before, so the chains read later hold it.
  const names = await context.catalog.list();
  const looks = await Promise.all(
    names.map((name) =>
      unlessUnreadable(name, report, async () => ({ table: await context.catalog.load(name) }))
    ),
  );
  const tables = looks.flatMap((look) => look?.table ?? []);
  const unreadable = names.filter((_, i) => looks[i] === null).map(tableKey);
  const chains = new Map<number, Checkpoint[]>();
  for (const [partition, chain] of context.chains) chains.set(partition, await auditChain(chain, report));
  const live = new Set<string>();
  for (const table of tables) {
    await unlessUnreadable(table.name, report, () => auditTable(table, chains, { context, report, live }));
  }
  report.problems.push(...await lostRows(tables, chains, { ...context, unreadable }));
  remember(live, context.within?.seen);
  const raw = tables.find((table) => tableKey(table.name) === RAW_EVENTS);
  if (raw && currentSnapshot(raw.metadata)) await auditRaw(raw, chains, { context, report });
  return report;
}

/** What `look` gives; null when an object that the table is read by is damaged or gone, which is a problem. */
async function unlessUnreadable<T>(
  name: TableName,
  report: AuditReport,
  look: () => Promise<T>,
): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof Fault) || !UNREADABLE.has(error.code)) throw error;
    report.problems.push(`${tableKey(name)}: ${error.message}`);
    return null;
  }
}

export function auditLine(report: AuditReport): string {
  const { problems, files, rows, offsets } = report;
  return problems.length > 0
    ? `audit: ${problems.length} problems`
    : `audit: ok, ${files} files, ${rows} rows, ${offsets} offsets`;
}

/** The readable checkpoints that the newest one stands on, ascending. */
async function auditChain(chain: CheckpointChain, report: AuditReport): Promise<Checkpoint[]> {
  const { partition } = chain;
  const { checkpoint: newest, damaged } = await chain.head();
  const tellDamaged = (number: number, reason: string) =>
    void report.problems.push(`checkpoint ${number} of partition ${partition} is damaged: ${reason}`);
  for (const { number, reason } of damaged) tellDamaged(number, reason);
  const found: Checkpoint[] = [];
  for (let at = newest; at !== null;) {
    const later = found.at(-1);
    if (later && later.first_offset !== at.next_offset) {
      report.problems.push(
        `partition ${partition}: checkpoint ${later.number} begins at ${later.first_offset}, ${at.number} ends at ${at.next_offset}`,
      );
    }
    found.push(at);
    const { previous } = at;
    const before = previous > 0
      ? await chain.read(previous, (reason) => tellDamaged(previous, reason))
      : null;
    at = before && standsOn(at, before) ? before : null;
  }
  if (newest) {
    report.offsets += newest.next_offset;
    for (const [source, counts] of Object.entries(newest.sources)) {
      auditSum(partition, source, { counts, report });
    }
  }
  return found.reverse();
}

function auditSum(
  partition: number,
  source: string,
  seen: { counts: SourceCounts; report: AuditReport },
): void {
  const { accepted, rows, duplicates, dead_letters, unmapped } = seen.counts;
  const sum = rows + duplicates + dead_letters + unmapped;
  if (accepted === sum) return;
  seen.report.problems.push(
    `partition ${partition}: source ${source} accepted ${accepted}, but its outcomes are ${sum}`,
  );
}

interface Auditing {
  context: AuditContext;
  report: AuditReport;
}

/** Files that were merged away meanwhile are forgotten: a lake makes hundreds of thousands a day. */
function remember(live: ReadonlySet<string>, seen: Set<string> | undefined): void {
  if (!seen) return;
  for (const path of seen) if (!live.has(path)) seen.delete(path);
  for (const path of live) seen.add(path);
}

async function auditTable(
  table: LoadedTable,
  chains: ReadonlyMap<number, readonly Checkpoint[]>,
  { context, report, live }: Auditing & { live: Set<string> },
): Promise<void> {
  const key = tableKey(table.name);
  const { metadata } = table;
  if (summaryDisagrees(metadata)) {
    report.problems.push(
      `${key}: applied differs between properties and the current snapshot; was the table rolled back?`,
    );
  }
  const decided = decidedRows(key, appliedOf(metadata), chains);
  const total = Number(currentSnapshot(metadata)?.summary["total-records"] ?? 0);
  const dropped = Number(metadata.properties[DROPPED_ROWS] ?? 0);
  if (decided !== null && decided !== total + dropped) {
    report.problems.push(
      `${key}: ${decided} rows were decided and applied, the table has ${total} (${dropped} dropped)`,
    );
  }
  const files = await readFiles(context.store, metadata);
  const listed = files.reduce((sum, file) => sum + file.record_count, 0);
  if (listed !== total) {
    report.problems.push(`${key}: its manifests list ${listed} rows, its summary says ${total}`);
  }
  const seen = context.within?.seen;
  await auditFiles(key, seen ? files.filter(({ path }) => !seen.has(path)) : files, { context, report });
  for (const { path } of files) live.add(path);
  report.files += files.length;
  report.rows += listed;
}

async function auditFiles(
  key: string,
  files: readonly { path: string; size_bytes: number }[],
  { context, report }: Auditing,
): Promise<void> {
  for (const { path, size_bytes } of files) {
    const object = context.store.keyOf(path);
    const head = object === null ? null : await context.store.head(object);
    if (head === null) report.problems.push(`${key}: ${path} is gone`);
    else if (head.size_bytes !== size_bytes) {
      report.problems.push(`${key}: ${path} has ${head.size_bytes} bytes, its manifest says ${size_bytes}`);
    }
  }
}

async function auditRaw(
  raw: LoadedTable,
  chains: ReadonlyMap<number, readonly Checkpoint[]>,
  { context, report }: Auditing,
): Promise<void> {
  try {
    const scope = await rawScope(raw, context);
    if (!scope) return;
    const since = scope.since === null ? "" : `WHERE received_at >= TIMESTAMP '${sqlTime(scope.since)}'`;
    const doubles = await context.ask(
      (raw) =>
        `SELECT log_partition, log_offset FROM ${raw} ${since} GROUP BY ALL HAVING count(*) > 1 LIMIT 10`,
      scope,
    );
    for (const [partition, offset] of doubles) {
      report.problems.push(`raw.events: the record at ${partition}/${offset} stands there more than once`);
    }
    if (scope.since !== null || Number(raw.metadata.properties[DROPPED_ROWS] ?? 0) > 0) return;
    const outcomes = await context.ask(
      (raw) => `SELECT source, outcome, count(*) FROM ${raw} WHERE outcome <> 'control' GROUP BY ALL`,
      scope,
    );
    compareOutcomes(outcomes, expectedOutcomes(appliedOf(raw.metadata), chains), report);
  } catch (error) {
    report.problems.push(`raw.events cannot be read: ${messageOf(error)}`);
  }
}

/** How much of the raw table is looked at; null: no part of it is small enough. */
async function rawScope(raw: LoadedTable, { store, within }: AuditContext): Promise<RawScope | null> {
  const current = currentSnapshot(raw.metadata)!;
  const snapshot = current["snapshot-id"];
  if (!within || Number(current.summary["total-files-size"]) <= within.raw_bytes) {
    return { snapshot, since: null };
  }
  const recent = filesSince(await readFiles(store, raw.metadata), within.recent);
  const bytes = recent.reduce((sum, file) => sum + file.size_bytes, 0);
  return bytes <= within.raw_bytes ? { snapshot, since: within.recent } : null;
}

const DAY_MS = 86_400_000;

/** Files of a table that is divided by day which may hold rows of `since` or later. */
export function filesSince<T extends DataFile>(files: readonly T[], since: number | null): T[] {
  if (since === null) return [...files];
  const day = Math.floor(since / DAY_MS);
  return files.filter(({ partition }) =>
    Object.values(partition).every((value) => typeof value !== "number" || value >= day)
  );
}

function sqlTime(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "");
}

/** `source outcome` → count at what is applied; null when the checkpoint of that moment is gone. */
function expectedOutcomes(
  applied: Applied,
  chains: ReadonlyMap<number, readonly Checkpoint[]>,
): Map<string, number> | null {
  const expected = new Map<string, number>();
  for (const [partition, chain] of chains) {
    const { number } = markOf(applied, partition);
    if (number === 0) continue;
    const at = chain.find((one) => one.number === number);
    if (!at) return null;
    for (const [source, counts] of Object.entries(at.sources)) {
      for (const [outcome, count] of outcomeCounts(counts)) {
        const key = `${source} ${outcome}`;
        expected.set(key, (expected.get(key) ?? 0) + count);
      }
    }
  }
  return expected;
}

function outcomeCounts({ rows, duplicates, dead_letters, unmapped }: SourceCounts): [string, number][] {
  return [["row", rows], ["duplicate", duplicates], ["dead_letter", dead_letters], ["unmapped", unmapped]];
}

function compareOutcomes(
  found: readonly (readonly unknown[])[],
  expected: Map<string, number> | null,
  report: AuditReport,
): void {
  if (expected === null) return;
  const seen = new Map(found.map(([source, outcome, count]) => [`${source} ${outcome}`, Number(count)]));
  for (const key of new Set([...expected.keys(), ...seen.keys()])) {
    const [want, have] = [expected.get(key) ?? 0, seen.get(key) ?? 0];
    if (want !== have) {
      report.problems.push(`raw.events: ${key} was counted ${want} times, and stands there ${have} times`);
    }
  }
}
