/**
 * Which objects of a table nothing needs any more. Pure: what is live is handed in, what may go is handed back.
 *
 *   pass 1   candidates = listed - named by a retained snapshot or by the newest metadata
 *            then a fence is committed (an empty snapshot, `collected` + 1); what its base names leaves the candidates
 *   grace    longer than any reader
 *   pass 2   candidates that are still not named are deleted
 *
 * No age decides. A writer whose commit was under way during pass 1 either came before the fence, and is named by its
 * base, or lost to it and writes its objects anew.
 */
import type { TableMetadata } from "./metadata.ts";
import { isManifestOrList, versionOf } from "./paths.ts";

/** Everything that a table's retained snapshots and newest metadata name, as addresses. */
export interface NamedObjects {
  metadata: TableMetadata;
  metadata_location: string;
  manifest_lists: Iterable<string>;
  manifests: Iterable<string>;
  data_files: Iterable<string>;
}

export function liveObjects(named: NamedObjects): Set<string> {
  return new Set([
    named.metadata_location,
    ...named.metadata["metadata-log"].map((one) => one["metadata-file"]),
    ...named.manifest_lists,
    ...named.manifests,
    ...named.data_files,
  ]);
}

/**
 * Of all addresses under a table's folder those that nothing names. Never a metadata version at or above the newest,
 * and never the hint: only what a table's writers make is recognised at all.
 */
export function deadObjects(
  listed: Iterable<string>,
  live: ReadonlySet<string>,
  newest_version: number,
): string[] {
  return [...listed].filter((address) => {
    if (live.has(address)) return false;
    const version = versionOf(address);
    if (version !== null) return version < newest_version;
    return isManifestOrList(address) || /\/data\/.+\.parquet$/.test(address);
  });
}

/** What remains of `candidates` after another look: the fence's base, or pass 2. */
export function stillDead(candidates: readonly string[], live: ReadonlySet<string>): string[] {
  return candidates.filter((address) => !live.has(address));
}
