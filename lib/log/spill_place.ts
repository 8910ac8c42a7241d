/**
 * Where a spilled record stands in the spill, and where in the topic once it is drained. Pure.
 *
 * The number of partitions of the topic may be unknown while the broker is away, and may differ from the spill's. So a
 * key has its place in the spill by its own hash alone, whatever partition it was meant for; a record without a key
 * keeps the partition it was meant for in a header.
 */
import type { LogRecord, NewRecord } from "./log.ts";
import { partitionOf } from "./topics.ts";

const PARTITION_HEADER = "spill_partition";

export function spillPartitionOf({ key, partition }: NewRecord, spill_partitions: number): number {
  return key === null ? partition % spill_partitions : partitionOf(key, spill_partitions);
}

/** The record as it is spilled. */
export function spilled(record: NewRecord, spill_partitions: number): NewRecord {
  const partition = spillPartitionOf(record, spill_partitions);
  if (record.key !== null) return { ...record, partition };
  return {
    ...record,
    partition,
    headers: { ...record.headers, [PARTITION_HEADER]: String(record.partition) },
  };
}

/** The record as it was meant, for a topic of so many partitions. */
export function drained(record: LogRecord, spill_partitions: number, partitions: number): NewRecord {
  const { [PARTITION_HEADER]: kept, ...own } = record.headers;
  const meant = {
    partition: kept === undefined ? record.partition : Number(kept),
    key: record.key,
    value: record.value ?? new Uint8Array(),
    headers: kept === undefined ? record.headers : own,
    received_at: record.received_at,
  };
  return placed(meant, spill_partitions, partitions);
}

/** The record where the topic wants it, should its caller have believed that the topic is like the spill. */
export function placed(record: NewRecord, spill_partitions: number, partitions: number): NewRecord {
  if (partitions === spill_partitions) return record;
  const partition = record.key === null ? record.partition % partitions : partitionOf(record.key, partitions);
  return { ...record, partition };
}
