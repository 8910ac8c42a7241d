/**
 * Transactions from bytes in memory to rows in a segment, all shipped rules and windows in force, checkpoints taken on
 * the way, in one thread; reference: `JSON.parse` of the same bytes.
 */
import { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import type { EventProcessor } from "../../lib/partition/event_processor.ts";
import { newProcessor, shippedControls } from "../shipped_stream.ts";
import { type Bench, transactionLine } from "./bench.ts";

const ROUNDS = 12;
/** Of a checkpoint: about what its limit of 64 MB of text allows. */
const EVENTS = 30_000;
/** What is looked at in one go, as the log hands it out. */
const BATCH = 4_000;
/** Until the code is warm and windows close. */
const WARM_ROUNDS = 4;
/** Event time runs as at 2,000 events a second. */
const STEP_MS = 0.5;
const BEGINS_MS = Date.UTC(2026, 0, 5);

export const streamBench: Bench = {
  name: "stream",
  run() {
    const processor = newProcessor();
    for (const record of shippedControls(BEGINS_MS)) processor.accept(record, new SegmentWriter());
    let [ours_ms, theirs_ms] = [0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      const [took_ms, parsed_ms] = checkpoint(processor, round * EVENTS);
      if (round < WARM_ROUNDS) continue;
      ours_ms += took_ms;
      theirs_ms += parsed_ms;
    }
    const perSecond = (ms: number) => (ROUNDS - WARM_ROUNDS) * EVENTS / (ms / 1000);
    return Promise.resolve([{
      what: "transactions to rows, all rules and windows",
      value: perSecond(ours_ms),
      unit: "events/s",
      reference: { what: "JSON.parse of the same bytes", value: perSecond(theirs_ms) },
      must: 0.05,
      goal: 0.12,
    }]);
  },
};

function recordsOf(first: number, count: number): (LogRecord & { value: Uint8Array })[] {
  return Array.from({ length: count }, (_, i) => {
    const at_ms = Math.floor(BEGINS_MS + (first + i) * STEP_MS);
    return {
      partition: 0,
      offset: 2 + first + i,
      key: null,
      value: new TextEncoder().encode(transactionLine(first + i, at_ms)),
      headers: { source: "token", kind: "transaction", content_type: "application/x-ndjson" },
      received_at: at_ms,
    };
  });
}

/** Milliseconds for the records of a checkpoint and for the checkpoint itself, and for parsing the same records. */
function checkpoint(processor: EventProcessor, first: number): [ours_ms: number, theirs_ms: number] {
  let [ours_ms, theirs_ms] = [0, 0];
  const segment = new SegmentWriter();
  for (let at = 0; at < EVENTS; at += BATCH) {
    const records = recordsOf(first + at, Math.min(BATCH, EVENTS - at));
    theirs_ms += parse(records);
    const began = performance.now();
    for (const record of records) processor.accept(record, segment);
    processor.takeResults();
    ours_ms += performance.now() - began;
  }
  const began = performance.now();
  const range = { partition: 0, first_offset: first, next_offset: first + EVENTS };
  segment.finish(range, processor.takeChanges());
  processor.beginSegment();
  return [ours_ms + performance.now() - began, theirs_ms];
}

function parse(records: readonly { value: Uint8Array }[]): number {
  const decoder = new TextDecoder();
  const began = performance.now();
  let seen = 0;
  for (const { value } of records) seen += JSON.parse(decoder.decode(value)).user_id.length > 0 ? 1 : 0;
  if (seen !== records.length) throw new Error("not all lines are events");
  return performance.now() - began;
}
