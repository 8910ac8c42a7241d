/** Puts transactions onto a log that nobody reads yet, as the door would have, only faster. */
import type { EventLog } from "../../lib/log/log.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { partitionOf } from "../../lib/log/topics.ts";
import { transactionLine } from "./bench.ts";

const PARTITIONS = 4;
const BATCH = 1_000;
const USERS = 5_000;

export interface Filling {
  records: number;
  /** Their times end now, and are so many to a second. */
  per_second: number;
  /** Sees each batch of lines. */
  onLines?(lines: readonly string[]): void;
}

export async function fillEmbeddedLog(data_dir: string, filling: Filling): Promise<void> {
  await using log = await openSqliteLog({ directory: `${data_dir}/log`, partitions: PARTITIONS });
  await fillLog(log, filling);
}

export async function fillLog(
  log: Pick<EventLog, "append" | "identity">,
  { records, per_second, onLines }: Filling,
): Promise<void> {
  const { partitions } = await log.identity("events");
  const encoder = new TextEncoder();
  const headers = { source: "token", kind: "transaction", content_type: "application/x-ndjson" };
  const began_ms = Date.now() - records / per_second * 1000;
  for (let start = 0; start < records; start += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, records - start) }, (_, i) => start + i);
    const lines = numbers.map((i) => transactionLine(i, Math.floor(began_ms + i / per_second * 1000)));
    onLines?.(lines);
    await log.append(
      "events",
      lines.map((line, i) => {
        const key = `user_${numbers[i] % USERS}`;
        const value = encoder.encode(line);
        return { partition: partitionOf(key, partitions), key, value, headers, received_at: Date.now() };
      }),
    );
  }
}
