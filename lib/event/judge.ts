/**
 * From a record of the log to a judgement: a row, a dead letter with every reason, or unmapped.
 *
 *   undecodable/too_deep ─► unknown_kind/unmapped ─► schema ─► future_timestamp ─► row
 *
 * The first that applies decides. Duplicates are looked for afterwards, by who keeps the state. A pure function of the
 * record and the configuration, called once for every record of the log: no schema library and no second parse.
 */
import type { FieldFault } from "../errors.ts";
import type { LogRecord } from "../log/log.ts";
import type { Meaning, Source } from "../source/source.ts";
import { sha256Hex } from "./content_hash.ts";
import type { DeadReason, Judgement, TypedEvent } from "./judgement.ts";
import { decodeJson } from "./json_text.ts";
import { type Kinds } from "./kinds.ts";
import { timestampCell } from "./timestamp.ts";

/** How far a sender's clock may run ahead of ours. */
export const MAX_AHEAD_MS = 300_000;

/**
 * Larger bodies are not kept, only their hash. No door takes as much; a program that writes to the topic itself can, packed,
 * and a row must still be readable when its table is written.
 */
export const LARGEST_BODY_BYTES = 16 * 1024 * 1024;

/** The source of records that another program wrote without saying who it is. */
export const KAFKA_SOURCE = "kafka";

export interface Judge {
  judge(record: LogRecord): Judgement;
}

export interface JudgeParts {
  kinds: Kinds;
  /** The source of a name: a sender, one that is like a sender, or else a token's. */
  sources: { of(name: string, like?: string): Source };
}

export function createJudge({ kinds, sources }: JudgeParts): Judge {
  return {
    judge(record) {
      const source = sources.of(record.headers.source ?? KAFKA_SOURCE, record.headers.like);
      const kind = record.headers.kind ?? null;
      if (record.value === null) return dead("undecodable", [bytesFault("undecodable", "null")], kind, null);
      if (record.value.length > LARGEST_BODY_BYTES) {
        return dead("undecodable", [sizeFault(record.value.length)], kind, null);
      }
      const decoded = decodeJson(record.value);
      if (!decoded.ok) return dead(decoded.reason, [bytesFault(decoded.reason)], kind, null);
      const { headers, value: bytes } = record;
      const meaning = source.interpret({ headers, bytes, body: decoded.value, kinds });
      return judgeMeaning(meaning, { record, text: decoded.text, source, kinds });
    },
  };
}

interface Judged {
  record: LogRecord;
  text: string;
  source: Source;
  kinds: Kinds;
}

function judgeMeaning(meaning: Meaning, judged: Judged): Judgement {
  switch (meaning.meaning) {
    case "unmapped":
      return { verdict: "unmapped", kind: meaning.type, event_id: meaning.event_id };
    case "unknown_kind":
      return dead("unknown_kind", [kindFault(meaning.type)], meaning.type, meaning.event_id);
    case "malformed":
      return dead("schema", meaning.faults, meaning.type, meaning.event_id);
    case "event":
      return judgeEvent(meaning, judged);
  }
}

function judgeEvent(
  meaning: Meaning & { meaning: "event" },
  { record, text, source, kinds }: Judged,
): Judgement {
  const kind = kinds.get(meaning.kind);
  const checked = kind?.check(meaning.event);
  if (checked === undefined) return dead("unknown_kind", [kindFault(meaning.kind)], meaning.kind, null);
  if (!checked.ok) {
    return dead("schema", mergeFaults(meaning.faults, checked.faults), meaning.kind, checked.event_id);
  }
  const { event } = checked;
  if (meaning.faults.length > 0) return dead("schema", meaning.faults, meaning.kind, event.event_id);
  if (isAhead(event, record.received_at)) {
    return dead("future_timestamp", [aheadFault(event, record.received_at)], meaning.kind, event.event_id);
  }
  return {
    verdict: "row",
    kind: meaning.kind,
    event_id: event.event_id,
    event,
    content: source.is_mapped ? mappedContent(event) : sha256Hex(record.value ?? new Uint8Array()),
    text,
  };
}

/** Marks the content of mapped senders apart from a plain sha256 of the bytes. */
const MAPPED = "row:";

/** What makes two copies from a mapped sender equal: the row that they become. */
function mappedContent(event: TypedEvent): string {
  const { kind, event_time_ms, event_time_sub_us, cells } = event;
  return MAPPED + sha256Hex(JSON.stringify([kind, event_time_ms, event_time_sub_us, cells]));
}

/** The sha256 of the bytes where a judgement holds it already, so that it is not computed twice. */
export function sha256OfBytes(judgement: Judgement | null): string | null {
  if (judgement === null || judgement.verdict !== "row" || judgement.content.startsWith(MAPPED)) return null;
  return judgement.content;
}

function dead(
  reason: DeadReason,
  errors: readonly FieldFault[],
  kind: string | null,
  event_id: string | null,
): Judgement {
  return { verdict: "dead_letter", reason, errors, kind, event_id };
}

/** The mapping knows better what was wrong with a field that it made from another. */
function mergeFaults(mapping: readonly FieldFault[], kind: readonly FieldFault[]): readonly FieldFault[] {
  if (mapping.length === 0) return kind;
  const told = new Set(mapping.map((fault) => fault.field));
  return [...mapping, ...kind.filter((fault) => !told.has(fault.field))];
}

function bytesFault(code: "undecodable" | "too_deep", actual?: string): FieldFault {
  const expected = code === "too_deep" ? "at most 64 levels" : "JSON in UTF-8";
  return actual === undefined ? { field: "", code, expected } : { field: "", code, expected, actual };
}

function sizeFault(bytes: number): FieldFault {
  const expected = `at most ${LARGEST_BODY_BYTES} bytes`;
  return { field: "", code: "undecodable", expected, actual: `${bytes} bytes` };
}

function kindFault(kind: string | null): FieldFault {
  return {
    field: "",
    code: "unknown_kind",
    expected: "a configured kind",
    ...(kind === null ? {} : { actual: kind }),
  };
}

function isAhead(event: TypedEvent, received_at: number): boolean {
  const ahead_ms = event.event_time_ms - received_at - MAX_AHEAD_MS;
  return ahead_ms > 0 || (ahead_ms === 0 && event.event_time_sub_us > 0);
}

function aheadFault(event: TypedEvent, received_at: number): FieldFault {
  return {
    field: "timestamp",
    code: "future_timestamp",
    expected: `at most ${timestampCell(received_at + MAX_AHEAD_MS)}Z`,
    actual: `${timestampCell(event.event_time_ms, event.event_time_sub_us)}Z`,
  };
}
