/**
 * A small pipeline from record to table, in which call n of log and store fails or is the last one of the process; then
 * somebody finishes the work.
 *
 * Invariant: every record is in raw.events once, every transaction in processed.transactions once with the exact sum, and
 * the audit finds nothing.
 */
import { deepStrictEqual } from "node:assert/strict";
import { connectChains } from "../../lib/connect.ts";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { readFiles } from "../../lib/iceberg/live_files.ts";
import { audit } from "../../lib/lake/audit.ts";
import { Compactor } from "../../lib/lake/compactor.ts";
import { ensureTables } from "../../lib/lake/ensure_tables.ts";
import { Lander } from "../../lib/lake/lander.ts";
import { Publisher } from "../../lib/lake/publisher.ts";
import { lakeTables } from "../../lib/lake/tables.ts";
import type { EventLog } from "../../lib/log/log.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { type OwnerContext, ownPartition } from "../../lib/partition/owner.ts";
import { currentFields } from "../../lib/lake/lander.ts";
import { parquetRelation } from "../../lib/parquet/relation.ts";
import type { ParquetWriter } from "../../lib/parquet/writer.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { configuration, newProcessor } from "../lake/small_lake.ts";
import { quickFolder } from "../quick_folder.ts";
import { Crash, FaultPlan } from "./fault_plan.ts";
import { faultyLog } from "./faulty_log.ts";
import { faultyStore } from "./faulty_store.ts";

export const RECORDS = 6;
/** Of all amounts. */
export const TOTAL = "16.5000";
/** As if taken over already: nothing is announced. */
const nothing = { body: {}, version: "", file_hash: "" };
const seeds = { rules: nothing, settings: nothing };
const TABLES = ["raw.events", "processed.transactions"];

const specs = lakeTables(configuration.kinds, []).filter((spec) => TABLES.includes(spec.key));

function body(i: number): Uint8Array {
  const event = {
    event_id: `e${i}`,
    timestamp: 1_700_000_000_000 + i,
    user_id: `u${i % 2}`,
    amount: `${i}.25`,
    currency: "EUR",
    status: "completed",
  };
  return new TextEncoder().encode(JSON.stringify(event));
}

async function seed(folder: string): Promise<void> {
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  for (let i = 0; i < RECORDS; i++) {
    const headers = { source: "token", kind: "transaction", content_type: "application/json" };
    await log.append("events", [{
      partition: 0,
      key: `u${i % 2}`,
      value: body(i),
      headers,
      received_at: 1_700_000_100_000,
    }]);
  }
  await using store = await openDiskStore(folder);
  const catalog = fileCatalog(store, { prefix: "lake/" });
  await ensureTables({ catalog, store, specs, prefix: "lake/", now: () => 1 });
}

/** Everything that a program does, once: process all, publish all, compact; step by step, so that calls are countable. */
async function work(
  folder: string,
  plan: FaultPlan,
  { writer, compacts }: PipelineOptions,
) {
  await using realLog = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  await using disk = await openDiskStore(folder);
  const store = faultyStore(disk, plan);
  const log = faultyLog(realLog, plan);
  const chains = connectChains(store, 1, { now: () => 0, sleep: () => Promise.resolve() });
  await processAll(log, store, { chains, identity: await realLog.identity("events") });
  const catalog = fileCatalog(store, {
    prefix: "lake/",
    clock: { now: () => Date.now(), sleep: () => Promise.resolve() },
  });
  const lander = new Lander({ store, writer, prefix: "lake/", folder: `${folder}/tmp` });
  const publisher = new Publisher({ store, catalog, chains, lander, alarm: () => undefined });
  const compactor = new Compactor({ store, catalog, writer, lander });
  for (const spec of specs) {
    // Checkpoint by checkpoint, so that there is something to compact.
    const decided = await publisher.decided();
    for (let upTo = 1; upTo <= (decided.get(0)?.length ?? 0); upTo++) {
      await publisher.publish(spec, new Map([[0, decided.get(0)!.slice(0, upTo)]]));
    }
    if (compacts) await compactor.compact(spec, { full: true });
  }
}

async function processAll(
  log: EventLog,
  store: ObjectStore,
  { chains, identity }: { chains: ReturnType<typeof connectChains>; identity: OwnerContext["identity"] },
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const abort = new AbortController();
  const check = ({ next_offset }: { next_offset: number }) =>
    void (next_offset === RECORDS && done.resolve());
  const context: OwnerContext = {
    log: {
      ...log,
      read: (topic, partition, from, limits, signal) =>
        log.read(topic, partition, from, { ...limits, max_records: 3, wait_ms: 1 }, signal),
    },
    store,
    identity,
    chain: chains.get(0)!,
    clock: { now: () => Date.now(), sleep: () => new Promise((resolve) => setTimeout(resolve, 1)) },
    checkpoint_ms: 0,
    tick_after_ms: 1e9,
    newId: () => crypto.randomUUID(),
    newProcessor: (partition) => newProcessor(partition),
    seeds: () => seeds,
    applied: () => Promise.resolve([]),
    events: { claimed: check, decided: check, turned() {}, lag() {}, warn() {}, alarm() {} },
    evolve: () => Promise.resolve(),
  };
  const owner = ownPartition(0, context, abort.signal);
  await Promise.race([done.promise, owner]);
  abort.abort();
  await owner;
}

/** Runs until nothing fails any more, as a supervisor would start it again. */
async function untilDone(
  folder: string,
  plan: FaultPlan,
  options: PipelineOptions,
) {
  for (let tries = 0; tries < 4; tries++) {
    try {
      await work(folder, tries === 0 || !plan.crashed ? plan : FaultPlan.none(), options);
      return;
    } catch (error) {
      if (error instanceof Crash || (error instanceof Error && error.name === "Fault")) continue;
      throw error;
    }
  }
  throw new Error("does not get on");
}

async function check(folder: string, writer: ParquetWriter): Promise<void> {
  await using store = await openDiskStore(folder);
  const catalog = fileCatalog(store, { prefix: "lake/" });
  const rowsOf = async (name: string, sql: (relation: string) => string) => {
    const table = (await catalog.load({ stage: name.split(".")[0], name: name.split(".")[1] }))!;
    const files = await readFiles(store, table.metadata);
    const paths = files.map((file) => store.localPath(store.keyOf(file.path)!)!);
    return (await writer.query(sql(`(${parquetRelation(paths, currentFields(table.metadata))})`))).rows;
  };
  const raw = await rowsOf("raw.events", (r) => `SELECT list(log_offset ORDER BY log_offset) FROM ${r}`);
  deepStrictEqual(
    JSON.stringify(raw[0][0]).replaceAll('"', ""),
    JSON.stringify(Array.from({ length: RECORDS }, (_, i) => i)),
  );
  const sums = await rowsOf(
    "processed.transactions",
    (r) => `SELECT count(*)::INT, sum(amount)::VARCHAR, max(user_txn_count)::INT FROM ${r}`,
  );
  deepStrictEqual(sums[0], [RECORDS, TOTAL, 2]);
  const report = await audit({
    catalog,
    store,
    chains: connectChains(store, 1),
    ask: (sql) => rowsOf("raw.events", sql),
  });
  deepStrictEqual(report.problems, []);
}

export interface PipelineOptions {
  writer: ParquetWriter;
  compacts: boolean;
  /** Folders that are left for another look; without it none is. */
  left?: string[];
}

export async function pipelineScenario(plan: FaultPlan, options: PipelineOptions): Promise<void> {
  const folder = await quickFolder();
  try {
    await seed(folder);
    await untilDone(folder, plan, options);
    await check(folder, options.writer);
  } finally {
    if (options.left) options.left.push(folder);
    else await Deno.remove(folder, { recursive: true });
  }
}
