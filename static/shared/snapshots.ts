/** All snapshots of a table that are still kept, oldest first, however many pages the API gives them in. */
import { getJson, type Page } from "./api.ts";

export interface Snapshot {
  snapshot_id: string | number;
  committed_at: string;
  operation: string;
  rows: number | string | null;
}

const PAGE_SIZE = 1000;

export async function snapshotsOf(table: string, signal?: AbortSignal): Promise<Snapshot[]> {
  const path = `/api/tables/${encodeURIComponent(table)}/snapshots`;
  const found: Snapshot[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Snapshot> = await getJson(path, { limit: PAGE_SIZE, cursor }, signal);
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  return found.sort((a, b) => a.committed_at.localeCompare(b.committed_at));
}
