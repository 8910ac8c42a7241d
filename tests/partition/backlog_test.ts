/**
 * What is worth a segment is decided once the log is silent, and so is the rest of a backlog, however long a checkpoint
 * may wait; and while a backlog is read, others of the thread are heard.
 */
import { ok } from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";
import type { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { ownPartition } from "../../lib/partition/owner.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { quickFolder } from "../quick_folder.ts";
import { CountingProcessor } from "./counting_processor.ts";
import { inTime } from "../waiting.ts";
import { append, watched } from "./small_partition.ts";

const HOUR_MS = 3_600_000;

/** Rows of one MiB. */
class WideProcessor extends CountingProcessor {
  override accept(record: LogRecord, segment: SegmentWriter): boolean {
    segment.add("raw.wide", { text: "x".repeat(1024 * 1024) }, 0);
    return super.accept(record, segment);
  }
}

Deno.test("an owner decides the end of a backlog without waiting for its checkpoint", async () => {
  const folder = await quickFolder();
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  await using store = await openDiskStore(`${folder}/store`);
  const records = 7;
  const { context, caughtUp } = await watched(log, store, records);
  const first = Promise.withResolvers<void>();
  const decided = (checkpoint: Checkpoint, cut_ms: number) => {
    first.resolve();
    context.events.decided(checkpoint, cut_ms);
  };
  const abort = new AbortController();
  const owning = ownPartition(0, {
    ...context,
    checkpoint_ms: HOUR_MS,
    newProcessor: () => new WideProcessor(),
    events: { ...context.events, decided },
  }, abort.signal);
  // The first decision after a claim comes soon in any case.
  await append(log, 1);
  await first.promise;
  await append(log, ...Array.from({ length: records - 1 }, (_, i) => i + 2));
  await inTime(Promise.race([caughtUp, owning]), "the decision of the backlog");
  abort.abort();
  await owning;
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the rest of what has waited for long is decided at once, however little it is", async () => {
  const folder = await quickFolder();
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  await using store = await openDiskStore(`${folder}/store`);
  // The first segment is full with 64 of them.
  const records = 66;
  await append(log, ...Array.from({ length: records }, (_, i) => i + 1));
  const { context, caughtUp } = await watched(log, store, records);
  const abort = new AbortController();
  const patient = { ...context, checkpoint_ms: HOUR_MS, newProcessor: () => new WideProcessor() };
  const owning = ownPartition(0, patient, abort.signal);
  await inTime(Promise.race([caughtUp, owning]), "the decision of the rest");
  abort.abort();
  await owning;
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an owner that is asked to go in the middle of a backlog goes, though its log never lets it wait", async () => {
  const folder = await quickFolder();
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  await using store = await openDiskStore(`${folder}/store`);
  const records = 5_000;
  await append(log, ...Array.from({ length: records }, (_, i) => i + 1));
  const { context } = await watched(log, store, records);
  const abort = new AbortController();
  let accepted = 0;
  class Asked extends CountingProcessor {
    override accept(record: LogRecord, segment: SegmentWriter): boolean {
      if (accepted++ === 0) setImmediate(() => abort.abort());
      return super.accept(record, segment);
    }
  }
  await ownPartition(
    0,
    { ...context, checkpoint_ms: HOUR_MS, newProcessor: () => new Asked() },
    abort.signal,
  );
  ok(accepted < records, `${accepted} records were read first`);
  await Deno.remove(folder, { recursive: true });
});
