/**
 * How far everything is: per partition the log's end, what is decided and what is published, and the accounting per
 * source. Read from the newest checkpoints and the tables themselves, so that any process gives the same answer.
 */
import type { CheckpointChain } from "../checkpoint/chain.ts";
import { type Checkpoint, noCounts, type SourceCounts } from "../checkpoint/checkpoint.ts";
import type { Clock } from "../clock.ts";
import { addCount } from "../counts_by_name.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { Fault } from "../errors.ts";
import { type Bounds, type EventLog, ONE_RECORD, type ReadLimits } from "../log/log.ts";
import { spillAgeSeconds, type SpillState } from "../log/spill_state.ts";
import { isControl } from "../partition/control_record.ts";
import { appliedOf, markOf } from "./applied.ts";
import { type CompactionState, compactionState } from "./compaction_state.ts";
import { tableKey } from "./table_key.ts";

export interface PartitionStatus {
  partition: number;
  end_offset: number;
  next_offset: number;
  published_offset: number;
  /** Events (not control records) of the log that no decided checkpoint covers. */
  lag_records: number;
  lag_seconds: number;
  watermark: string | null;
  checkpoint: number;
  epoch: number;
}

export interface SourceAccount extends SourceCounts {
  source: string;
  in_flight: number;
  /** accepted = rows + duplicates + dead_letters + unmapped + in_flight, now. */
  holds: boolean;
}

export interface LakeStatus {
  settled: boolean;
  partitions: PartitionStatus[];
  accounting: SourceAccount[];
  /** Durable beside the log, because the broker is away: not yet in any partition, so not in the accounting either. */
  spill: { records: number; bytes: number; oldest_seconds: number };
  freshness_seconds: number;
  compaction: CompactionState;
  rules: string | null;
  /** Firings held back by cool-downs since the last alert of their key, by rule, as of the newest checkpoints. */
  suppressed: Record<string, number>;
  as_of: string;
}

export interface StatusContext {
  /** null where a role has no log: everything that is not decided is then unknown. */
  log: Pick<EventLog, "bounds" | "read"> | null;
  spill(): SpillState;
  catalog: Catalog;
  chains: ReadonlyMap<number, CheckpointChain>;
  clock: Clock;
}

/** A longer tail is counted, but not taken apart by source: reading it would cost more the further processing is behind. */
const TAIL_RECORDS = 20_000;
const TAIL_LIMITS: ReadLimits = { max_records: 5_000, max_bytes: 16 * 1024 * 1024, wait_ms: 0 };
export const UNREAD_SOURCE = "(not yet read)";
/** Records that other programs write to the topic without headers. */
const FOREIGN_SOURCE = "kafka";

interface PartitionReading {
  status: PartitionStatus;
  checkpoint: Checkpoint | null;
  tail: Map<string, number>;
  /** Log time of the oldest record that cannot be queried yet, null when all can. */
  waiting_since: number | null;
  /** false while the log is away, or when it lost records that were not processed. */
  is_tail_known: boolean;
}

export async function readStatus(context: StatusContext): Promise<LakeStatus> {
  const names = await context.catalog.list();
  const loaded = await Promise.all(names.map((name) => context.catalog.load(name)));
  const tables = loaded.filter((table) => table !== null);
  const readings = await Promise.all(
    [...context.chains.values()].map((chain) => readPartition(chain, tables, context)),
  );
  const now = context.clock.now();
  const spill = context.spill();
  const waiting = [...readings.map((one) => one.waiting_since), spill.oldest_ms].filter((time) =>
    time !== null
  );
  return {
    settled: waiting.length === 0 && spill.records === 0 && readings.every((one) => one.is_tail_known),
    partitions: readings.map((one) => one.status).sort((a, b) => a.partition - b.partition),
    accounting: accountingOf(readings),
    spill: { records: spill.records, bytes: spill.bytes, oldest_seconds: spillAgeSeconds(spill, now) },
    freshness_seconds: waiting.length === 0 ? 0 : Math.max(0, now - Math.min(...waiting)) / 1000,
    compaction: compactionState(tables.map(({ metadata }) => metadata)),
    rules: readings.map((one) => one.checkpoint?.taken_over.rules).find((version) => version !== undefined) ??
      null,
    suppressed: suppressedOf(readings),
    as_of: new Date(now).toISOString(),
  };
}

function suppressedOf(readings: readonly PartitionReading[]): Record<string, number> {
  const suppressed: Record<string, number> = {};
  for (const [rule, count] of readings.flatMap((one) => Object.entries(one.checkpoint?.suppressed ?? {}))) {
    if (count > 0) addCount(suppressed, rule, count);
  }
  return suppressed;
}

async function readPartition(
  chain: CheckpointChain,
  tables: readonly LoadedTable[],
  { log, clock }: StatusContext,
): Promise<PartitionReading> {
  const { partition } = chain;
  const { checkpoint, highest } = await chain.head();
  const bounds = await boundsOf(log, partition);
  const next_offset = checkpoint?.next_offset ?? bounds?.begin ?? 0;
  const end_offset = Math.max(bounds?.end ?? 0, next_offset);
  const from = Math.max(next_offset, bounds?.begin ?? 0);
  const { bySource, oldest_ms, is_whole } = bounds && log
    ? await readTail(log, partition, { from, end: end_offset })
    : { bySource: new Map<string, number>(), oldest_ms: null, is_whole: log === null };
  const lag_records = [...bySource.values()].reduce((sum, count) => sum + count, 0);
  const published = publishedOf(checkpoint, tables);
  const now = clock.now();
  return {
    checkpoint,
    tail: bySource,
    is_tail_known: is_whole && from === next_offset,
    waiting_since: !published.events ? published.since ?? now : lag_records > 0 ? oldest_ms ?? now : null,
    status: {
      partition,
      end_offset,
      next_offset,
      published_offset: published.offset ?? next_offset,
      lag_records,
      lag_seconds: lag_records > 0 && oldest_ms !== null ? Math.max(0, now - oldest_ms) / 1000 : 0,
      watermark: checkpoint?.watermark_ms == null ? null : new Date(checkpoint.watermark_ms).toISOString(),
      checkpoint: highest,
      epoch: checkpoint?.epoch ?? 0,
    },
  };
}

/**
 * How much of `checkpoint` stands in the tables: the offset up to which every table has its rows, and whether every
 * checkpoint that holds events is in (control records alone keep nobody waiting).
 */
function publishedOf(checkpoint: Checkpoint | null, tables: readonly LoadedTable[]) {
  if (!checkpoint) return { offset: null, events: true, since: null };
  let offset = checkpoint.next_offset;
  let events = true;
  for (const [table, { newest }] of Object.entries(checkpoint.totals)) {
    const loaded = tables.find(({ name }) => tableKey(name) === table);
    const mark = loaded
      ? markOf(appliedOf(loaded.metadata), checkpoint.partition)
      : { number: 0, next_offset: 0 };
    if (mark.number >= newest) continue;
    offset = Math.min(offset, mark.next_offset);
    if (mark.number < Math.min(newest, checkpoint.newest_with_events)) events = false;
  }
  return { offset, events, since: events ? null : checkpoint.log_time_ms };
}

/** null while the log is away: what is decided can be told all the same. */
async function boundsOf(log: StatusContext["log"], partition: number): Promise<Bounds | null> {
  return log && await unlessAway(() => log.bounds("events", partition));
}

async function unlessAway<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Fault && error.blame === "dependency") return null;
    throw error;
  }
}

async function readTail(
  log: Pick<EventLog, "read">,
  partition: number,
  range: { from: number; end: number },
) {
  const bySource = new Map<string, number>();
  let oldest_ms: number | null = null;
  const length = range.end - range.from;
  const read = (from: number, limits: ReadLimits) =>
    unlessAway(() => log.read("events", partition, from, limits));
  if (length > TAIL_RECORDS) {
    const oldest = await read(range.from, ONE_RECORD);
    bySource.set(UNREAD_SOURCE, length);
    return { bySource, oldest_ms: oldest?.at(0)?.received_at ?? null, is_whole: oldest !== null };
  }
  for (let from = range.from; from < range.end;) {
    const records = await read(from, TAIL_LIMITS);
    if (records === null || records.length === 0) return { bySource, oldest_ms, is_whole: records !== null };
    for (const { headers, received_at } of records) {
      if (isControl(headers)) continue;
      const source = headers.source ?? FOREIGN_SOURCE;
      bySource.set(source, (bySource.get(source) ?? 0) + 1);
      oldest_ms ??= received_at;
    }
    from = records.at(-1)!.offset + 1;
  }
  return { bySource, oldest_ms, is_whole: true };
}

function accountingOf(readings: readonly PartitionReading[]): SourceAccount[] {
  const sums = new Map<string, SourceAccount>();
  const of = (source: string) => {
    let sum = sums.get(source);
    if (!sum) sums.set(source, sum = { source, ...noCounts(), in_flight: 0, holds: true });
    return sum;
  };
  for (const { checkpoint, tail } of readings) {
    for (const [source, counts] of Object.entries(checkpoint?.sources ?? {})) addCounts(of(source), counts);
    for (const [source, count] of tail) {
      of(source).accepted += count;
      of(source).in_flight += count;
    }
  }
  for (const sum of sums.values()) {
    sum.holds = sum.accepted === sum.rows + sum.duplicates + sum.dead_letters + sum.unmapped + sum.in_flight;
  }
  return [...sums.values()].sort((a, b) => (a.source < b.source ? -1 : 1));
}

function addCounts(sum: SourceCounts, counts: SourceCounts): void {
  for (const name of Object.keys(counts) as (keyof SourceCounts)[]) sum[name] += counts[name];
}
