/**
 * A crash after every single event of a run of a thousand: whoever comes next begins at the last checkpoint.
 *
 *   checkpoint . . . . x        the events since are processed again, then one more, and it crashes again
 *
 * Invariant: every row is what it was before the crash, and the state is that of a run without one, doubles bit for bit.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import { PartitionState } from "../../lib/checkpoint/state.ts";
import { demoRecord } from "../../lib/generator/on_log.ts";
import { Generator } from "../../lib/generator/generator.ts";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import type { EventProcessor } from "../../lib/partition/event_processor.ts";
import type { ProcessorSummary } from "../../lib/partition/processor.ts";
import { newProcessor, SHIPPED, shippedControls } from "../shipped_stream.ts";
import { contents } from "../stream/stream_case.ts";

const EVENTS = 1_000;
const EVENTS_A_CHECKPOINT = 12;
const CHECKPOINTS_AN_IMAGE = 9;
/** Slow enough for windows to close, for lateness and for statistics that know a user. */
const STEP_MS = 20_000;
const BEGINS_MS = Date.UTC(2026, 0, 5, 20);

function records(): LogRecord[] {
  const generator = new Generator({
    seed: "crash",
    config: readGeneratorFile("{users: 20, fraud_share: 0.3, late_share: 0.03, out_of_order_share: 0.2}"),
    events_per_second: 1000 / STEP_MS,
  });
  const to = { partitions: 1, kinds: SHIPPED.kinds, sources: SHIPPED.sources };
  const controls = shippedControls(BEGINS_MS);
  const events = Array.from({ length: EVENTS }, (_, i): LogRecord => {
    const now = BEGINS_MS + i * STEP_MS;
    return { ...demoRecord(generator.next(now), to, now), offset: controls.length + i };
  });
  return [...controls, ...events];
}

/** Rows as they are written, by table. */
class Written extends SegmentWriter {
  readonly rows: [table: string, text: string][] = [];

  override add(...[table, row, schema_id]: Parameters<SegmentWriter["add"]>): string {
    const text = super.add(table, row, schema_id);
    this.rows.push([table, text]);
    return text;
  }
}

function rowsOf(processor: EventProcessor, record: LogRecord): Written["rows"] {
  const written = new Written();
  processor.accept(record, written);
  return written.rows;
}

type States = Record<string, Uint8Array>;
type Images = Record<string, Uint8Array[]>;

function imagesOf(processor: EventProcessor): Images {
  const images = Object.entries(processor.takeImages());
  return Object.fromEntries(images.map(([name, pieces]) => [name, [...pieces]]));
}

/** What a store would hold: a full image and the changes since, and what the checkpoint says besides. */
interface Kept {
  images: Images;
  changes: States[];
  summary: ProcessorSummary;
  next: number;
}

function restored({ images, changes, summary }: Kept): EventProcessor {
  const processor = newProcessor();
  for (const [name, pieces] of Object.entries(images)) processor.image(name, pieces);
  for (const one of changes) for (const [name, bytes] of Object.entries(one)) processor.change(name, bytes);
  processor.resume(structuredClone(summary));
  return processor;
}

function stateOf(processor: EventProcessor): unknown {
  const { keyed, dedup } = imagesOf(processor);
  return [contents(PartitionState.fromImage(keyed)), dedup, processor.summary()];
}

Deno.test("a crash after every single one of 1,000 events changes no row and no bit of the state", () => {
  const all = records();
  const undisturbed = newProcessor();
  const expected = all.map((record) => rowsOf(undisturbed, record));
  const tables = new Set(expected.flat().map(([table]) => table));
  for (const table of ["alerts", "user_5min_revisions", "user_session_revisions", "daily_spend_revisions"]) {
    ok(tables.has(`analytics.${table}`), `the run has no ${table}`);
  }
  ok(tables.has("processed.late_events"));

  let processor = newProcessor();
  let kept: Kept = {
    images: imagesOf(processor),
    changes: [],
    summary: processor.summary(),
    next: 0,
  };
  for (const [at, record] of all.entries()) {
    deepStrictEqual(rowsOf(processor, record), expected[at], `record ${at}`);
    if ((at + 1) % EVENTS_A_CHECKPOINT === 0) {
      const changes = processor.takeChanges();
      const isImage = kept.changes.length + 1 === CHECKPOINTS_AN_IMAGE;
      kept = {
        images: isImage ? imagesOf(processor) : kept.images,
        changes: isImage ? [] : [...kept.changes, changes],
        summary: processor.summary(),
        next: at + 1,
      };
    }
    processor = restored(kept);
    for (let again = kept.next; again <= at; again++) {
      deepStrictEqual(
        rowsOf(processor, all[again]),
        expected[again],
        `record ${again} after the crash at ${at}`,
      );
    }
  }
  deepStrictEqual(stateOf(processor), stateOf(undisturbed));
});
