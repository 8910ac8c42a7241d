/** The strip door > log > process > publish > compact, told from the status: pure. */
import type { LiveStage } from "./payload.ts";

/** The part of `/api/status` that the strip needs. */
export interface StageStatus {
  partitions: readonly {
    end_offset: number;
    next_offset: number;
    published_offset: number;
    lag_records: number;
    lag_seconds: number;
    checkpoint: number;
  }[];
  freshness_seconds: number;
  compaction?: { waiting_files?: number | null } | null;
}

/** A stage that is this far behind is worth a look. */
const BEHIND_S = 30;

export function liveStages(
  status: StageStatus,
  events_per_second: number,
  isDown: (dependency: string) => boolean,
): LiveStage[] {
  const { partitions, freshness_seconds, compaction } = status;
  const sum = (of: (one: StageStatus["partitions"][number]) => number) =>
    partitions.reduce((all, one) => all + of(one), 0);
  const lag_records = sum((one) => one.lag_records);
  const lag_seconds = Math.max(0, ...partitions.map((one) => one.lag_seconds));
  const unpublished = sum((one) => Math.max(0, one.next_offset - one.published_offset));
  const newest = Math.max(0, ...partitions.map((one) => one.checkpoint));
  const waiting = compaction?.waiting_files ?? null;
  const late = (seconds: number): LiveStage["state"] => seconds > BEHIND_S ? "behind" : "ok";
  return [
    {
      name: "door",
      state: events_per_second > 0 ? "ok" : "idle",
      lag_records: null,
      note: `${number(events_per_second)}/s`,
    },
    {
      name: "log",
      state: isDown("log") ? "down" : "ok",
      lag_records: null,
      note: `${partitions.length} ${partitions.length === 1 ? "partition" : "partitions"}`,
    },
    { name: "process", state: late(lag_seconds), lag_records, note: `checkpoint ${number(newest)}` },
    {
      name: "publish",
      state: isDown("store") ? "down" : late(freshness_seconds),
      lag_records: unpublished,
      note: unpublished === 0
        ? "all published"
        : `${number(Math.round(freshness_seconds * 10) / 10)} s behind`,
    },
    {
      name: "compact",
      state: waiting ? "ok" : "idle",
      lag_records: null,
      note: waiting ? `${number(waiting)} ${waiting === 1 ? "file" : "files"} waiting` : "nothing waits",
    },
  ];
}

function number(value: number): string {
  return value.toLocaleString("en");
}
