/** What one snapshot of a table changed against another: files, rows, columns. Pure. */
import { typeName } from "../shared/type_name.ts";
import type { DataFile, FileList, SchemaField } from "../engine/lake.ts";

export interface SnapshotDifference {
  added: DataFile[];
  removed: DataFile[];
  rows: number;
  /** One sentence a changed column. */
  schema: string[];
}

export function differenceOf(before: FileList | null, after: FileList): SnapshotDifference {
  const old = new Set(before?.files.map((file) => file.url));
  const now = new Set(after.files.map((file) => file.url));
  const added = after.files.filter((file) => !old.has(file.url));
  const removed = (before?.files ?? []).filter((file) => !now.has(file.url));
  return {
    added,
    removed,
    rows: sum(added) - sum(removed),
    schema: before ? schemaChanges(before.schema, after.schema) : [],
  };
}

function sum(files: readonly DataFile[]): number {
  return files.reduce((total, file) => total + Number(file.rows), 0);
}

/** Columns are the same when their ids are. */
function schemaChanges(before: readonly SchemaField[], after: readonly SchemaField[]): string[] {
  const changes: string[] = [];
  for (const field of after) {
    const old = before.find((one) => one.id === field.id);
    if (!old) changes.push(`column ${field.name} added`);
    else {
      if (old.name !== field.name) changes.push(`column ${old.name} renamed to ${field.name}`);
      const [was, is] = [typeName(old.type), typeName(field.type)];
      if (was !== is) changes.push(`column ${field.name} widened from ${was} to ${is}`);
    }
  }
  for (const old of before) {
    if (!after.some((one) => one.id === old.id)) changes.push(`column ${old.name} dropped`);
  }
  return changes;
}
