/**
 * Names of everything that belongs to a table.
 *
 *   <prefix><stage>/<table>/metadata/v<N>.metadata.json       the highest N is current
 *                          /metadata/version-hint.text        a hint for foreign tools, never read by us
 *                          /metadata/snapshots/               manifest lists and manifests: apart, so that listing the
 *                                                             versions, which every commit does, passes over no other name
 *                          /data/[<folder>/]<uuid>.parquet    data files; the folder means nothing to a reader
 *   <prefix>.tables/<stage>.<table>                           says that the table may exist, so that listing is cheap
 */
import type { TableName } from "./catalog.ts";

export function tablePrefix(prefix: string, { stage, name }: TableName): string {
  return `${prefix}${stage}/${name}/`;
}

export function metadataPrefix(prefix: string, table: TableName): string {
  return `${tablePrefix(prefix, table)}metadata/`;
}

/** What the keys of all metadata versions begin with. */
export function versionPrefix(prefix: string, table: TableName): string {
  return `${metadataPrefix(prefix, table)}v`;
}

export function versionKey(prefix: string, table: TableName, version: number): string {
  return `${versionPrefix(prefix, table)}${version}.metadata.json`;
}

/** N of `v<N>.metadata.json`, null for any other key or address. */
export function versionOf(path: string): number | null {
  const match = /\/metadata\/v([1-9]\d*)\.metadata\.json$/.exec(path);
  return match ? Number(match[1]) : null;
}

export function hintKey(prefix: string, table: TableName): string {
  return `${metadataPrefix(prefix, table)}version-hint.text`;
}

/** Addresses below a table's `location`. */
export function manifestPath(location: string, uuid: string, index: number): string {
  return `${location}/metadata/snapshots/${uuid}-m${index}.avro`;
}

export function manifestListPath(location: string, snapshot_id: number, uuid: string): string {
  return `${location}/metadata/snapshots/snap-${snapshot_id}-${uuid}.avro`;
}

/** Also those of older tables, which lay beside the versions. */
export function isManifestOrList(address: string): boolean {
  return /\/metadata\/(snapshots\/)?[^/]+\.avro$/.test(address);
}

/** `name` is without ending: a uuid, or a hash of the content. */
export function dataPrefix(prefix: string, table: TableName): string {
  return `${tablePrefix(prefix, table)}data/`;
}

export function dataKey(prefix: string, table: TableName, name: string, folder?: string): string {
  return `${dataPrefix(prefix, table)}${folder === undefined ? "" : `${folder}/`}${name}.parquet`;
}

export function markersPrefix(prefix: string): string {
  return `${prefix}.tables/`;
}

export function markerKey(prefix: string, { stage, name }: TableName): string {
  return `${markersPrefix(prefix)}${stage}.${name}`;
}

/** The table that a marker stands for; null for anything else. */
export function tableOfMarker(prefix: string, key: string): TableName | null {
  const match = /^([^./]+)\.([^./]+)$/.exec(key.slice(markersPrefix(prefix).length));
  return match ? { stage: match[1], name: match[2] } : null;
}

/** A table's `location`: the absolute address of its folder. */
export function tableLocation(store: { uri(key: string): string }, prefix: string, table: TableName): string {
  return store.uri(tablePrefix(prefix, table).slice(0, -1));
}
