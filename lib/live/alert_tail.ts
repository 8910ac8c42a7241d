/** The end of the topic `alerts`: what the rules found lately, in whichever process. */
import { Fault } from "../errors.ts";
import type { EventLog, LogRecord } from "../log/log.ts";
import { type LiveAlert, MAX_ALERTS } from "./payload.ts";

const LIMITS = { max_records: 500, max_bytes: 1024 * 1024, wait_ms: 0 };
/** Ids that are remembered, because a restarted worker sends its results again. */
const MAX_IDS = 10_000;

export class AlertTail {
  /** Where to read on, by partition; null before the first look. */
  #next: number[] | null = null;
  #seen = new Set<string>();
  /** Records that the topic ever had. */
  total = 0;

  constructor(readonly log: Pick<EventLog, "identity" | "bounds" | "read">) {}

  /** Alerts that came since the last look, oldest first; with the first look the last few there are. */
  async look(signal?: AbortSignal): Promise<LiveAlert[]> {
    const { partitions } = await this.log.identity("alerts");
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    const bounds = await Promise.all(numbers.map((partition) => this.log.bounds("alerts", partition)));
    this.total = bounds.reduce((sum, { end }) => sum + end, 0);
    const next = this.#next ??= bounds.map(({ begin, end }) => Math.max(begin, end - MAX_ALERTS));
    const found = await Promise.all(numbers.map(async (partition) => {
      if (next[partition] >= bounds[partition].end) return [];
      const records = await this.#read(partition, next[partition], signal);
      next[partition] = records.length > 0 ? records[records.length - 1].offset + 1 : bounds[partition].end;
      return records;
    }));
    return found.flat().sort((a, b) => a.received_at - b.received_at).flatMap((record) =>
      this.#fresh(record)
    );
  }

  /** What retention took away meanwhile is no news any more. */
  async #read(partition: number, from: number, signal?: AbortSignal): Promise<LogRecord[]> {
    try {
      return await this.log.read("alerts", partition, from, LIMITS, signal);
    } catch (error) {
      if (error instanceof Fault && error.code === "log_truncated") return [];
      throw error;
    }
  }

  #fresh(record: LogRecord): LiveAlert[] {
    const alert = readAlert(record);
    if (alert === null || this.#seen.has(alert.alert_id)) return [];
    if (this.#seen.size >= MAX_IDS) this.#seen = new Set();
    this.#seen.add(alert.alert_id);
    return [alert];
  }
}

/** null for a record that is none of ours. */
function readAlert({ value }: LogRecord): LiveAlert | null {
  if (value === null) return null;
  let row: unknown;
  try {
    row = JSON.parse(new TextDecoder().decode(value));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof row !== "object" || row === null || !("alert_id" in row)) return null;
  const cells = row as Record<string, unknown>;
  const context = typeof cells.context === "object" ? cells.context as Record<string, unknown> | null : null;
  return {
    alert_id: String(cells.alert_id),
    rule: String(cells.rule),
    severity: String(cells.severity),
    user_id: typeof cells.user_id === "string" ? cells.user_id : null,
    event_time: `${cells.event_time}Z`,
    description: String(cells.description),
    z_score: typeof context?.z_score === "number" ? context.z_score : null,
  };
}
