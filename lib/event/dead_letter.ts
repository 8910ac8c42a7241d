/** The rows of `processed.dead_letters`: what could not become a row, with its bytes and every reason. */
import type { FieldFault } from "../errors.ts";
import type { LogRecord } from "../log/log.ts";
import type { Column, Row } from "./column.ts";
import { sha256Hex } from "./content_hash.ts";
import { KAFKA_SOURCE } from "./judge.ts";
import type { DeadReason } from "./judgement.ts";
import { bodyCells } from "./raw_event.ts";
import { timestampCell } from "./timestamp.ts";

export const DEAD_LETTERS = "processed.dead_letters";

export const DEAD_LETTER_COLUMNS: readonly Column[] = [
  {
    name: "dead_letter_id",
    type: "string",
    doc:
      "Hash of source, partition and offset, and of the rule that failed; equal after every replay of the log.",
  },
  {
    name: "reason",
    type: "string",
    doc: "undecodable, too_deep, unknown_kind, schema, future_timestamp, id_conflict or rule_failed.",
  },
  {
    name: "errors",
    type: {
      list: {
        struct: [
          { name: "field", type: "string", doc: "The field at fault; empty for the body as a whole." },
          {
            name: "code",
            type: "string",
            doc: "missing, invalid_type, invalid_format, out_of_range, invalid_enum, or the reason.",
          },
          { name: "expected", type: "string", doc: "What would have been right." },
          { name: "actual", type: "string", doc: "What was found, cut short." },
        ],
      },
    },
    doc: "All failing fields.",
  },
  {
    name: "original",
    type: "string",
    doc: "The bytes as received, as text or in base64; null when there were none.",
  },
  { name: "original_encoding", type: "string", doc: "How original is written: utf8 or base64." },
  { name: "source", type: "string", doc: "The configured sender, or the name of the ingest token." },
  { name: "kind", type: "string", doc: "The kind that it was to be; null when it names none." },
  { name: "log_partition", type: "int", doc: "Partition of the log that holds the record." },
  { name: "log_offset", type: "long", doc: "Offset of the record in its partition." },
  { name: "received_at", type: "timestamp", doc: "When the bytes arrived, in UTC." },
  { name: "attempts", type: "int", doc: "How often it was tried, this time included." },
  {
    name: "replay_of",
    type: "string",
    doc: "The dead letter that this record replayed; null for what came from outside.",
  },
];

export interface DeadLetter {
  reason: DeadReason;
  errors: readonly FieldFault[];
  kind: string | null;
  /** The rule that threw, for `rule_failed` only. */
  rule?: string;
}

/** The row of a dead letter. */
export function deadLetterRow(record: LogRecord, letter: DeadLetter): Row {
  const { headers, partition, offset } = record;
  const source = headers.source ?? KAFKA_SOURCE;
  const { body, body_encoding } = bodyCells(record.value);
  return {
    dead_letter_id: deadLetterId(source, partition, offset, letter.rule),
    reason: letter.reason,
    errors: letter.errors.map(({ field, code, expected = null, actual = null }) => ({
      field,
      code,
      expected,
      actual,
    })),
    original: body,
    original_encoding: body_encoding,
    source,
    kind: letter.kind,
    log_partition: partition,
    log_offset: offset,
    received_at: timestampCell(record.received_at),
    attempts: attemptsOf(headers.attempts),
    replay_of: headers.replay_of ?? null,
  };
}

/** The letter of two records that share an id and differ. */
export function idConflict(kind: string, event_id: string): DeadLetter {
  const expected = "the content that first came with this id";
  return {
    reason: "id_conflict",
    errors: [{ field: "event_id", code: "id_conflict", expected, actual: event_id }],
    kind,
  };
}

/** The letter of a rule that threw at a row. */
export function ruleFailed(kind: string, rule: string, message: string): DeadLetter {
  const errors = [{ field: "", code: "rule_failed", expected: `rule ${rule} to answer`, actual: message }];
  return { reason: "rule_failed", errors, kind, rule };
}

/** 32 hex digits. */
export function deadLetterId(source: string, partition: number, offset: number, rule?: string): string {
  const place = [source, partition, offset, ...(rule === undefined ? [] : [rule])];
  return sha256Hex(JSON.stringify(place)).slice(0, 32);
}

function attemptsOf(header: string | undefined): number {
  return header !== undefined && /^[1-9]\d{0,8}$/.test(header) ? Number(header) : 1;
}
