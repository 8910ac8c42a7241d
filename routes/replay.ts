/**
 * Trying dead letters again: their original bytes, or a corrected body, become new records that name the letter.
 *
 * What is judged is decided by the log alone: a replayed record is accepted and counted like any other. A letter whose
 * replay became a row or a duplicate is passed over; one that was just appended is passed over for a moment too, until
 * the lake knows what became of it.
 */
import { Buffer } from "node:buffer";
import { type Clock, elapsedMs } from "../lib/clock.ts";
import { DEAD_LETTERS } from "../lib/event/dead_letter.ts";
import { RAW_EVENTS } from "../lib/event/raw_event.ts";
import type { EventLog, NewRecord } from "../lib/log/log.ts";
import { partitionOf } from "../lib/log/topics.ts";
import { describe } from "../lib/source/describe.ts";
import { nameHeaders } from "../lib/source/record_headers.ts";
import type { Source } from "../lib/source/source.ts";
import type { Sources } from "../lib/source/sources.ts";
import type { AcceptedCounts } from "./accepted_counts.ts";
import { LETTERS_WITH_STATE } from "./dead_letters.ts";
import { all, type Item, type LakeSql, sameTimestamp, text } from "./lake_sql.ts";
import { type RecordContext, recordOf } from "./record.ts";

export interface ReplayDeps extends RecordContext {
  clock: Pick<Clock, "now">;
  lake: LakeSql;
  log: Pick<EventLog, "append">;
  sources(): Pick<Sources, "of" | "redactor">;
  /** Counts what became durable, where somebody counts. */
  accepted?: Pick<AcceptedCounts, "add">;
}

export interface ReplayAnswer {
  /** Letters selected, appended, and left out because they were replayed before. */
  matched: number;
  replayed: number;
  skipped: number;
}

export interface ReplayRequest {
  /** A condition over the table's columns and `state`. */
  where: string;
  /** Instead of the original; for one letter. */
  body?: string;
  /** One by one, and not by what they are like: then also those of which a replay failed already, which made a letter anew. */
  are_named?: boolean;
}

/** What was appended of a letter a moment ago; without `body` its original. */
interface UnderWay {
  at_ms: number;
  body: string | undefined;
}

const LETTERS_AT_ONCE = 200;
/** A letter that was appended this lately is not appended again: its outcome is not in the lake yet. */
const UNDER_WAY_MS = 30_000;
const MAX_UNDER_WAY = 100_000;

const encoder = new TextEncoder();

export class Replay {
  readonly #underWay = new Map<string, UnderWay>();

  constructor(readonly deps: ReplayDeps) {}

  async run({ where, body, are_named = false }: ReplayRequest, signal?: AbortSignal): Promise<ReplayAnswer> {
    const answer: ReplayAnswer = { matched: 0, replayed: 0, skipped: 0 };
    for (let last: Item | null = null;;) {
      const letters: Item[] = await this.#letters(all(where, after(last)), signal);
      const again = letters.filter((letter) =>
        (are_named || letter.was_tried !== true) && this.#mayBeReplayed(letter, body)
      );
      if (again.length > 0) await this.#append(again, body);
      answer.matched += letters.length;
      answer.replayed += again.length;
      answer.skipped += letters.length - again.length;
      if (letters.length < LETTERS_AT_ONCE) return answer;
      last = letters[letters.length - 1];
    }
  }

  /** Letters with what the raw table kept of their requests, oldest first. */
  async #letters(where: string, signal?: AbortSignal): Promise<Item[]> {
    const sql = `WITH RECURSIVE ${LETTERS_WITH_STATE}, chosen AS (
        SELECT * FROM letters WHERE ${where}
        ORDER BY received_at, dead_letter_id LIMIT ${LETTERS_AT_ONCE}
      )
      SELECT chosen.*, events.content_type, events.headers, events.sha256, events.redacted
      FROM chosen LEFT JOIN ${RAW_EVENTS} AS events
        ON events.log_partition = chosen.log_partition AND events.log_offset = chosen.log_offset
        AND events.received_at = chosen.received_at
      ORDER BY chosen.received_at, chosen.dead_letter_id`;
    const question = { sql, needs: [DEAD_LETTERS, RAW_EVENTS], limit: LETTERS_AT_ONCE };
    return await this.deps.lake.items(question, signal);
  }

  /** Remembers them first: who asks for the same meanwhile shall not append them, too. */
  async #append(letters: readonly Item[], body: string | undefined): Promise<void> {
    const records = letters.map((letter) => this.#record(letter, body));
    const ids = letters.map(({ dead_letter_id }) => String(dead_letter_id));
    for (const id of ids) this.#remember(id, body);
    try {
      await this.deps.log.append("events", records);
    } catch (error) {
      for (const id of ids) this.#underWay.delete(id);
      throw error;
    }
    for (const record of records) this.deps.accepted?.add(record.headers.source, [record]);
  }

  #mayBeReplayed(letter: Item, body: string | undefined): boolean {
    if (letter.state === "replayed" || (letter.original === null && body === undefined)) return false;
    // Of a redacted body that was no JSON nothing was kept.
    if (letter.redacted === true && letter.original === "" && body === undefined) return false;
    const last = this.#underWay.get(String(letter.dead_letter_id));
    if (last === undefined || elapsedMs(last.at_ms, this.deps.clock.now()) >= UNDER_WAY_MS) return true;
    // Who corrects once more does not wait for what became of the first try.
    return body !== undefined && body !== last.body;
  }

  #record(letter: Item, body: string | undefined): NewRecord {
    const source = this.deps.sources().of(String(letter.source));
    const headers = replayHeaders(letter, source);
    const received_at = this.deps.clock.now();
    if (body !== undefined) {
      return recordOf(this.deps, source, { value: encoder.encode(body), headers, received_at }).record;
    }
    // The original is as it was stored, redacted already where it had to be.
    const value = originalBytes(letter);
    const kept: Record<string, string> = letter.redacted === true
      ? { ...headers, redacted: "true", sha256: String(letter.sha256) }
      : headers;
    const { partition_key } = describe(source, this.deps.kinds(), kept, value);
    const partition = partitionOf(partition_key, this.deps.partitions);
    return { partition, key: partition_key, value, headers: kept, received_at };
  }

  #remember(id: string, body: string | undefined): void {
    if (this.#underWay.size >= MAX_UNDER_WAY) this.#underWay.clear();
    this.#underWay.set(id, { at_ms: this.deps.clock.now(), body });
  }
}

function after(last: Item | null): string | null {
  if (last === null) return null;
  const [time, id] = [sameTimestamp(String(last.received_at)), text(String(last.dead_letter_id))];
  return `received_at > ${time} OR (received_at = ${time} AND dead_letter_id > ${id})`;
}

/** What the first record carried, and which letter this one replays. */
function replayHeaders(letter: Item, source: Source): Record<string, string> {
  const headers: Record<string, string> = {};
  const stored = letter.headers;
  if (typeof stored === "object" && stored !== null) {
    for (const [name, value] of Object.entries(stored)) if (typeof value === "string") headers[name] = value;
  }
  Object.assign(headers, nameHeaders(source));
  if (typeof letter.kind === "string") headers.kind = letter.kind;
  if (typeof letter.content_type === "string") headers.content_type = letter.content_type;
  headers.replay_of = String(letter.dead_letter_id);
  headers.attempts = String(Number(letter.attempts ?? 1) + 1);
  return headers;
}

function originalBytes(letter: Item): Uint8Array {
  const original = String(letter.original);
  return letter.original_encoding === "base64"
    ? new Uint8Array(Buffer.from(original, "base64"))
    : encoder.encode(original);
}
