/**
 * Whoever recomputes everything in one go from `raw.events` gets the same rows, after a program was killed and its rules
 * and windows were edited while events came.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import { Generator } from "../../lib/generator/generator.ts";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { type Decided, decidedRows } from "../decided.ts";
import { type Program, settled, startProgram } from "../program.ts";
import { newProcessor } from "../shipped_stream.ts";
import { eventually } from "../waiting.ts";

const PARTITIONS = 2;
const EVENTS = 2_400;
const BATCHES = 12;
/** Event time comes up to now; what closes no window by itself is closed by ticks. */
const STEP_MS = 4_000;

const config = new URL("../../config", import.meta.url).pathname;

Deno.test("killed and edited in between, the program's rows are those of one computation over raw.events", async () => {
  const folder = await Deno.makeTempDir();
  await copyConfig(`${folder}/config`);
  const env = {
    DATA_DIR: `${folder}/data`,
    CONFIG_DIR: `${folder}/config`,
    PARTITIONS: String(PARTITIONS),
    CHECKPOINT_MS: "200",
    TICK_AFTER_MS: "500",
    // Nothing is collected before it was looked at.
    EXPIRE_EVERY_MS: "86400000",
    RATE_LIMIT_PER_SECOND: "0",
  };
  let program = await startProgram({ env });
  const rules = await Deno.readTextFile(`${folder}/config/rules.yaml`);
  const windows = await Deno.readTextFile(`${folder}/config/windows.yaml`);
  for (const [at, batch] of batches().entries()) {
    if (at === 3) await putRules(program, rules.replace("default: 10000", "default: 500"));
    if (at === 5) {
      await Deno.writeTextFile(`${folder}/config/windows.yaml`, windows.replace("gap: 120 s", "gap: 90 s"));
    }
    if (at === 4 || at === 8) {
      await decidedSome(program, at * EVENTS / BATCHES / 2);
      await program.kill();
      program = await startProgram({ env });
    }
    if (at === 9) {
      await Deno.writeTextFile(`${folder}/config/rules.yaml`, rules.replace("count: 5", "count: 4"));
    }
    await send(program, batch);
  }
  await settled(program.url);
  strictEqual(await program.stop(), 0);

  const seen = new Set<string>();
  await using store = await openDiskStore(`${folder}/data`);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { rows } = await decidedRows(store, partition);
    const recomputed = recompute(rows, partition);
    deepStrictEqual(Object.keys(recomputed).sort(), Object.keys(byTable(rows)).sort());
    for (const [table, found] of Object.entries(byTable(rows))) {
      deepStrictEqual(recomputed[table], found, `${table} of partition ${partition}`);
      seen.add(table);
    }
    ok(rows.some(({ row }) => row.kind === "rules" && Number(row.log_offset) > 1), "the rules were edited");
  }
  for (const table of ["alerts", "user_minute_revisions", "user_5min_revisions", "user_session_revisions"]) {
    ok(seen.has(`analytics.${table}`), `there was no row of ${table}`);
  }
  await Deno.remove(folder, { recursive: true });
});

/** Until some of the records are decided, and hardly all of them. */
async function decidedSome({ url }: Program, records: number): Promise<void> {
  const decided = async () => {
    const { partitions } = await (await fetch(`${url}/api/status`)).json();
    return partitions.reduce((sum: number, one: { next_offset: number }) => sum + one.next_offset, 0);
  };
  await eventually(decided, (count) => count >= records, { what: `decision ${records}` });
}

async function copyConfig(to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(config)) {
    await Deno.copyFile(`${config}/${name}`, `${to}/${name}`);
  }
}

/** Lines by kind, batch after batch. */
function batches(): Record<string, string[]>[] {
  const generator = new Generator({
    seed: "recompute",
    config: readGeneratorFile(
      "{users: 40, fraud_share: 0.2, late_share: 0.02, malformed_share: 0, out_of_order_share: 0.2}",
    ),
    events_per_second: 1000 / STEP_MS,
  });
  const begins_ms = Date.now() - EVENTS * STEP_MS;
  return Array.from({ length: BATCHES }, (_, batch) => {
    const lines: Record<string, string[]> = {};
    const size = EVENTS / BATCHES;
    for (let i = 0; i < size; i++) {
      const { kind, value } = generator.next(begins_ms + (batch * size + i) * STEP_MS);
      (lines[kind] ??= []).push(new TextDecoder().decode(value));
    }
    return lines;
  });
}

async function send({ url }: Program, batch: Readonly<Record<string, string[]>>): Promise<void> {
  for (const [kind, lines] of Object.entries(batch)) {
    const headers = { "content-type": "application/x-ndjson" };
    const answer = await fetch(`${url}/ingest/${kind}`, { method: "POST", headers, body: lines.join("\n") });
    strictEqual(answer.status, 202, await answer.text());
  }
}

async function putRules({ url }: Program, text: string): Promise<void> {
  const answer = await fetch(`${url}/api/rules`, { method: "PUT", body: text });
  strictEqual(answer.status, 200, await answer.text());
}

type Tables = Record<string, unknown[]>;

function byTable(rows: Decided["rows"]): Tables {
  const tables: Tables = {};
  for (const { table, row } of rows) (tables[table] ??= []).push(row);
  return tables;
}

/** All tables of a partition from the rows of its raw one. */
function recompute(rows: Decided["rows"], partition: number): Tables {
  const processor = newProcessor(partition);
  const found: Decided["rows"] = [];
  class Rows extends SegmentWriter {
    override add(...[table, row, version]: Parameters<SegmentWriter["add"]>): string {
      const text = super.add(table, row, version);
      found.push({ table, row: JSON.parse(text) });
      return text;
    }
  }
  const writer = new Rows();
  for (const { row } of rows.filter(({ table }) => table === "raw.events")) {
    processor.accept(recordOf(row), writer);
  }
  return byTable(found);
}

function recordOf(row: Record<string, unknown>): LogRecord {
  strictEqual(row.body_encoding, "utf8");
  const { source, kind, content_type, log_partition, log_offset, received_at } = row;
  return {
    partition: Number(log_partition),
    offset: Number(log_offset),
    key: null,
    value: new TextEncoder().encode(String(row.body)),
    headers: { source: String(source), kind: String(kind), content_type: String(content_type) },
    received_at: Date.parse(`${received_at}Z`),
  };
}
