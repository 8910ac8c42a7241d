/**
 * Which manifests the next snapshot keeps, and which ones have to be written: decided before any of it is stored.
 *
 *   append    kept: all of the parent          written: one with the new files
 *   replace   kept: those without a victim     written: each touched one anew, and one with the new files
 *   merge     when over 100 small manifests have gathered, an append takes their files over into its own manifest
 *
 * An entry that is written anew keeps its sequence number explicitly; only a new file inherits it from the list.
 */
import { Fault } from "../errors.ts";
import type { DataFile } from "./data_file.ts";
import type { DecodedManifest, ManifestEntry, ManifestShape } from "./manifest.ts";
import type { ManifestFile } from "./manifest_list.ts";
import type { TableMetadata } from "./metadata.ts";

/** So many small manifests may lie side by side. */
const MAX_SMALL_MANIFESTS = 100;
/** A manifest of so many files is no longer small: it is left alone. */
const FULL_MANIFEST_FILES = 2000;

export interface ManifestPlan {
  keep: ManifestFile[];
  write: { shape: ManifestShape; entries: ManifestEntry[] }[];
  removed: DataFile[];
}

/** A manifest of the parent with its files. */
export interface ReadManifest {
  manifest: ManifestFile;
  decoded: DecodedManifest;
}

/** Manifests that still hold files; those with deleted entries only end here. */
export function liveManifests(manifests: readonly ManifestFile[]): ManifestFile[] {
  return manifests.filter((one) => one.added_files + one.existing_files > 0);
}

/** The manifests that a commit has to read before it can be planned. */
export function manifestsToRead(manifests: readonly ManifestFile[], removes: boolean): ManifestFile[] {
  return removes ? [...manifests] : smallManifests(manifests);
}

function smallManifests(manifests: readonly ManifestFile[]): ManifestFile[] {
  const small = manifests.filter((one) => one.added_files + one.existing_files < FULL_MANIFEST_FILES);
  return small.length >= MAX_SMALL_MANIFESTS ? small : [];
}

/** `parent` are the live manifests of the base, `read` those of `manifestsToRead`. */
export function planManifests(
  metadata: TableMetadata,
  parent: readonly ManifestFile[],
  read: readonly ReadManifest[],
  change: { added: readonly DataFile[]; removed: readonly string[]; snapshot_id: number },
): ManifestPlan {
  const plan: ManifestPlan = { keep: [], write: [], removed: [] };
  const victims = new Set(change.removed);
  const rewritten = new Set<string>();
  for (const one of read) {
    if (victims.size === 0) break;
    if (!liveEntries(one).some((entry) => victims.has(entry.file.path))) continue;
    rewritten.add(one.manifest.path);
    plan.write.push(withoutVictims(metadata, one, victims, { plan, snapshot_id: change.snapshot_id }));
  }
  const gone = change.removed.length - plan.removed.length;
  if (gone > 0) {
    throw new Fault("inputs_gone", `Cannot replace files: ${gone} of ${victims.size} are not in the table`, {
      blame: "us",
      retry: "after_refresh",
    });
  }
  const untouched = parent.filter((one) => !rewritten.has(one.path));
  const merged = change.added.length > 0 ? mergedManifests(metadata, untouched, read) : [];
  plan.keep = untouched.filter((one) => !merged.some(({ manifest }) => manifest.path === one.path));
  if (change.added.length > 0) plan.write.push(addedManifest(metadata, change, merged));
  return plan;
}

/** Files of the manifest that are in the table, with their sequence numbers made explicit. */
export function liveEntries({ manifest, decoded }: ReadManifest): ManifestEntry[] {
  return decoded.entries.filter((entry) => entry.status !== "deleted").map((entry) => ({
    ...entry,
    sequence_number: entry.sequence_number ?? manifest.sequence_number,
  }));
}

function withoutVictims(
  metadata: TableMetadata,
  one: ReadManifest,
  victims: ReadonlySet<string>,
  at: { plan: ManifestPlan; snapshot_id: number },
): { shape: ManifestShape; entries: ManifestEntry[] } {
  const entries = liveEntries(one).map((entry): ManifestEntry => {
    if (!victims.has(entry.file.path)) return { ...entry, status: "existing" };
    at.plan.removed.push(entry.file);
    return { ...entry, status: "deleted", snapshot_id: at.snapshot_id };
  });
  return { shape: shapeOf(metadata, one.manifest.spec_id), entries };
}

/** The small manifests of the default spec, when too many have gathered and all were read. */
function mergedManifests(
  metadata: TableMetadata,
  untouched: readonly ManifestFile[],
  read: readonly ReadManifest[],
): ReadManifest[] {
  const small = new Set(smallManifests(untouched).map((one) => one.path));
  return read.filter(({ manifest }) =>
    small.has(manifest.path) && manifest.spec_id === metadata["default-spec-id"]
  );
}

function addedManifest(
  metadata: TableMetadata,
  change: { added: readonly DataFile[]; snapshot_id: number },
  merged: readonly ReadManifest[],
): { shape: ManifestShape; entries: ManifestEntry[] } {
  const entries = change.added.map((file): ManifestEntry => ({
    status: "added",
    snapshot_id: change.snapshot_id,
    sequence_number: null,
    file,
  }));
  const taken = merged.flatMap((one) =>
    liveEntries(one).map((entry): ManifestEntry => ({ ...entry, status: "existing" }))
  );
  return { shape: shapeOf(metadata, metadata["default-spec-id"]), entries: [...entries, ...taken] };
}

function shapeOf(metadata: TableMetadata, spec_id: number): ManifestShape {
  const schema = metadata.schemas.find((one) => one["schema-id"] === metadata["current-schema-id"]);
  const spec = metadata["partition-specs"].find((one) => one["spec-id"] === spec_id);
  if (!schema || !spec) throw new RangeError(`Cannot write manifest: schema or spec ${spec_id} is missing`);
  return { schema, spec };
}
