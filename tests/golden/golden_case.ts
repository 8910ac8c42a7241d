/**
 * Golden cases: a folder is a story of one partition, and what its tables hold when it is over.
 *
 *   records.ndjson              {story} what it shows; {at, kind, body} an event; {at, settings | rules: <file>} and
 *                               {at, control: <kind>, body} control records
 *   windows.yaml, rules.yaml    what those files say; named by the records, so that a case may have several
 *   expected/<table>.ndjson     every row of the table, in the order of writing
 *
 * `at` is log time; an event without `timestamp` happened then. Every table that got rows is expected but raw.events,
 * and of kinds those that the case is about.
 */
import { deepStrictEqual } from "node:assert/strict";
import { CheckpointChain } from "../../lib/checkpoint/chain.ts";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";
import { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import { systemClock } from "../../lib/clock.ts";
import { rulesControl } from "../../lib/configuration.ts";
import type { Row } from "../../lib/event/column.ts";
import type { Kinds } from "../../lib/event/kinds.ts";
import type { EventLog, LogRecord, NewRecord } from "../../lib/log/log.ts";
import { controlRecord, fileRecord } from "../../lib/partition/control_record.ts";
import { ownPartition } from "../../lib/partition/owner.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { readWindowFile } from "../../lib/stream/window_definition.ts";
import { decidedRows } from "../decided.ts";
import { newProcessor, SHIPPED } from "../shipped_stream.ts";

export type Tables = Record<string, unknown[]>;

export interface GoldenCase {
  name: string;
  records: readonly NewRecord[];
  expected: Tables;
}

interface Line {
  at: string;
  kind?: string;
  body?: Record<string, unknown>;
  settings?: string;
  rules?: string;
  control?: string;
}

/** A case says itself which columns are added, and when. */
const KINDS: Kinds = new Map([...SHIPPED.kinds].map(([name, kind]) => [name, { ...kind, added: "any" }]));
const FOLDER = new URL("./", import.meta.url).pathname;

export function goldenNames(): string[] {
  return [...Deno.readDirSync(FOLDER)].filter((entry) => entry.isDirectory).map(({ name }) => name).sort();
}

export function readGolden(name: string): GoldenCase {
  const text = (path: string) => Deno.readTextFileSync(`${FOLDER}${name}/${path}`);
  const [_story, ...lines] = text("records.ndjson").trim().split("\n").map((line): Line => JSON.parse(line));
  const expected: Tables = {};
  for (const { name: file } of Deno.readDirSync(`${FOLDER}${name}/expected`)) {
    const rows = text(`expected/${file}`).split("\n").filter((line) => line !== "");
    expected[file.replace(/\.ndjson$/, "")] = rows.map((line) => JSON.parse(line));
  }
  return { name, records: lines.map((line) => recordOf(line, text)), expected };
}

function recordOf(line: Line, text: (path: string) => string): NewRecord {
  const received_at = Date.parse(line.at);
  if (line.rules !== undefined) {
    const file = rulesControl(text(line.rules), KINDS);
    return fileRecord("rules", 0, { file: unwatched(file), received_at });
  }
  if (line.settings !== undefined) {
    const { windows } = readWindowFile(text(line.settings), KINDS);
    const body = { ...SHIPPED.settings.body, windows, ...line.body };
    return fileRecord("settings", 0, { file: unwatched({ body, version: line.settings, file_hash: "" }), received_at });
  }
  if (line.control !== undefined) {
    return controlRecord(line.control as "tick", 0, { body: line.body ?? {}, received_at });
  }
  const headers = { source: "token", kind: line.kind!, content_type: "application/json" };
  const value = new TextEncoder().encode(JSON.stringify({ timestamp: line.at, ...line.body }));
  return { partition: 0, key: null, value, headers, received_at };
}

/** Without the hash of a file: nobody has one that could differ. */
function unwatched<T extends { file_hash: string }>(file: T): T {
  return { ...file, file_hash: "" };
}

/** Tables that a case need not speak of. */
function isExpected(table: string, { expected }: GoldenCase): boolean {
  return table in expected || table.startsWith("analytics.") || /^processed\.(late_events|dead_letters)$/.test(table);
}

/** Compares, or with GOLDEN=write writes down what came out, for people to read. */
export function compare(golden: GoldenCase, found: { table: string; row: Row | Record<string, unknown> }[]): void {
  const tables: Tables = {};
  for (const { table, row } of found) {
    if (isExpected(table, golden)) (tables[table] ??= []).push(JSON.parse(JSON.stringify(row)));
  }
  if (Deno.env.get("GOLDEN") === "write") return write(golden.name, tables);
  deepStrictEqual(tables, golden.expected);
}

function write(name: string, tables: Tables): void {
  for (const [table, rows] of Object.entries(tables)) {
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    Deno.writeTextFileSync(`${FOLDER}${name}/expected/${table}.ndjson`, text);
  }
}

/** Keeps the rows of a segment apart, which itself keeps only text. */
class Rows extends SegmentWriter {
  readonly found: { table: string; row: Row }[] = [];

  override add(table: string, row: Row, schema_id: number): string {
    this.found.push({ table, row: structuredClone(row) });
    return super.add(table, row, schema_id);
  }
}

/** The rows of a processor that never stops, or of a line of processors each of which sees one record. */
export function runInMemory(golden: GoldenCase, resumes: boolean): Rows["found"] {
  const rows = new Rows();
  let processor = newProcessor();
  let images = processor.takeImages();
  golden.records.forEach((record, offset) => {
    processor.accept({ ...record, offset } satisfies LogRecord, rows);
    if (!resumes) return;
    const changes = processor.takeChanges();
    const summary = processor.summary();
    const next = newProcessor();
    for (const [name, pieces] of Object.entries(images)) next.image(name, pieces);
    for (const [name, bytes] of Object.entries(changes)) next.change(name, bytes);
    next.resume(summary);
    images = next.takeImages();
    processor = next;
  });
  return rows.found;
}

/** The rows of the decided segments of an owner that decides after every record and reads one at a time. */
export async function runOnLog(golden: GoldenCase, log: EventLog, store: ObjectStore): Promise<Rows["found"]> {
  await log.append("events", golden.records);
  const caughtUp = Promise.withResolvers<void>();
  const check = ({ next_offset }: Checkpoint) =>
    void (next_offset >= golden.records.length && caughtUp.resolve());
  const abort = new AbortController();
  const nothing = { body: {}, version: "", file_hash: "" };
  const owner = ownPartition(0, {
    log: oneByOne(log),
    store,
    chain: new CheckpointChain(store, 0, () => Promise.resolve()),
    identity: await log.identity("events"),
    clock: systemClock,
    checkpoint_ms: 0,
    tick_after_ms: 1e12,
    newId: () => crypto.randomUUID(),
    newProcessor,
    seeds: () => ({ rules: nothing, settings: nothing }),
    applied: () => Promise.resolve([]),
    evolve: () => Promise.resolve(),
    events: { claimed: check, decided: check, turned() {}, lag() {}, warn() {}, alarm() {} },
  }, abort.signal);
  await Promise.race([caughtUp.promise, owner]);
  abort.abort();
  await owner;
  return (await decidedRows(store)).rows as Rows["found"];
}

function oneByOne(log: EventLog): EventLog {
  return {
    identity: (topic) => log.identity(topic),
    append: (topic, records) => log.append(topic, records),
    bounds: (topic, partition) => log.bounds(topic, partition),
    read: (topic, partition, from, limits, signal) =>
      log.read(topic, partition, from, { ...limits, max_records: 1 }, signal),
    offsetAt: (topic, partition, time_ms) => log.offsetAt(topic, partition, time_ms),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
