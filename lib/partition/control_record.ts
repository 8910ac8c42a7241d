/**
 * Control records: what changes results is in the log, so that a replay sees it at the same place.
 *
 * Every partition begins with its `settings` and `rules`, before any event. Later a file counts only when its hash
 * differs from the one last taken over (the checkpoint keeps it), so that an edit through the API survives restarts.
 */
import type { ControlFile } from "../configuration.ts";
import type { EventLog, NewRecord } from "../log/log.ts";

export const CONTROL_SOURCE = "millrace";

const CONTROL_KINDS = ["tick", "rules", "settings", "ack", "schema", "quality"] as const;

export type ControlKind = (typeof CONTROL_KINDS)[number];

/** Another program may call itself `millrace` too: what it sends is counted like any other source's. */
export function isControl({ source, kind }: Readonly<Record<string, string>>): boolean {
  return source === CONTROL_SOURCE && CONTROL_KINDS.some((one) => one === kind);
}

const encoder = new TextEncoder();

export function controlRecord(
  kind: ControlKind,
  partition: number,
  record: { body: unknown; received_at: number; headers?: Readonly<Record<string, string>> },
): NewRecord {
  return {
    partition,
    key: null,
    value: encoder.encode(JSON.stringify(record.body)),
    headers: { source: CONTROL_SOURCE, kind, content_type: "application/json", ...record.headers },
    received_at: record.received_at,
  };
}

export function fileRecord(
  kind: "rules" | "settings",
  partition: number,
  { file, received_at }: { file: ControlFile; received_at: number },
): NewRecord {
  const headers = { version: file.version, file_hash: file.file_hash };
  return controlRecord(kind, partition, { body: file.body, received_at, headers });
}

export interface Seeds {
  rules: ControlFile;
  settings: ControlFile;
}

/** Gives every partition that is still empty its first records; called before anything else is appended. */
export async function seedPartitions(
  log: EventLog,
  partitions: number,
  { seeds, now }: { seeds: Seeds; now: number },
): Promise<void> {
  const records: NewRecord[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const { end } = await log.bounds("events", partition);
    if (end > 0) continue;
    records.push(fileRecord("settings", partition, { file: seeds.settings, received_at: now }));
    records.push(fileRecord("rules", partition, { file: seeds.rules, received_at: now }));
  }
  if (records.length > 0) await log.append("events", records);
}

/** What an owner appends when its files are not those last taken over. */
export function changedFiles(
  partition: number,
  taken_over: Readonly<Record<string, string>>,
  { seeds, now }: { seeds: Seeds; now: number },
): NewRecord[] {
  const kinds = ["settings", "rules"] as const;
  return kinds.filter((kind) => (taken_over[`${kind}_file`] ?? "") !== seeds[kind].file_hash)
    .map((kind) => fileRecord(kind, partition, { file: seeds[kind], received_at: now }));
}
