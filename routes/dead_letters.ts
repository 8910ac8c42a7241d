/** `/api/dead-letters`: what could not become a row, and trying it again. */
import { Hono } from "hono";
import { z } from "zod";
import type { Clock } from "../lib/clock.ts";
import { DEAD_LETTERS } from "../lib/event/dead_letter.ts";
import { memberText } from "../lib/event/json_cursor.ts";
import { RAW_EVENTS } from "../lib/event/raw_event.ts";
import { ANY_TEXT, pageRequest, pieceOf, TIME } from "./cursor.ts";
import type { Env } from "./door.ts";
import { all, behind, type LakeQuestion, type LakeSql, sameTimestamp, text, timestamp } from "./lake_sql.ts";
import {
  choiceParameter,
  PlainText,
  type Query,
  textParameter,
  timeParameter,
  WrittenTime,
} from "./parameters.ts";
import type { Replay } from "./replay.ts";
import { readJson, type SmallBodies } from "./small_body.ts";

export interface DeadLettersDeps {
  clock: Pick<Clock, "now">;
  lake: LakeSql;
  replay: Replay;
  bodies: SmallBodies;
}

export const LETTER_STATES = ["open", "replayed"] as const;
export const MAX_IDS = 10_000;

const Replaying = z.strictObject({
  ids: z.array(PlainText.min(1).max(100)).max(MAX_IDS).optional(),
  reason: PlainText.max(100).optional(),
  source: PlainText.max(100).optional(),
  from: WrittenTime.optional(),
  to: WrittenTime.optional(),
  /** The corrected event: text as it is to be stored, or an object, of which the text as it was sent is stored. */
  body: z.union([PlainText, z.looseObject({})]).optional(),
}).refine(({ ids, body }) => body === undefined || ids?.length === 1, {
  path: ["body"],
  message: "a body goes with exactly one id",
});

export function deadLetters({ clock, lake, replay, bodies }: DeadLettersDeps): Hono<Env> {
  return new Hono<Env>()
    .get("/api/dead-letters", async (c) => {
      const query = c.req.query();
      const page = pageRequest(c, [TIME, ANY_TEXT]);
      const sql = letterSql(lettersWhere(query, page.after));
      const question = { sql, needs: [DEAD_LETTERS, RAW_EVENTS], limit: page.limit + 1 };
      const found = await lake.items(question, c.req.raw.signal);
      return c.json(pieceOf(found, page, (item) => [item.received_at, item.dead_letter_id]));
    })
    .post("/api/dead-letters/replay", async (c) => {
      const read = await readJson(c, bodies, Replaying);
      if (read.refused) return read.refused;
      const { ids, reason, source, from, to, body } = read.value;
      const where = chosenLetters({ ids, reason, source, from, to }, clock.now());
      const corrected = typeof body === "object" ? memberText(read.text, "body")! : body;
      return c.json(
        await replay.run({ where, body: corrected, are_named: ids !== undefined }, c.req.raw.signal),
      );
    });
}

/** Which letters a replay means. */
export interface LetterChoice {
  ids?: readonly string[];
  reason?: string;
  source?: string;
  /** Milliseconds since 1970, of the time they were received; `to` is not included. */
  from?: number;
  to?: number;
}

/** The condition of a choice; letters of this replay itself are not met again. */
export function chosenLetters({ ids, reason, source, from, to }: LetterChoice, now: number): string {
  const equal = (column: string, value?: string) => value === undefined ? null : `${column} = ${text(value)}`;
  const among = (ids: readonly string[]) =>
    ids.length === 0 ? "false" : `dead_letter_id IN (${ids.map(text).join(", ")})`;
  return all(
    ids === undefined ? null : among(ids),
    equal("reason", reason),
    equal("source", source),
    from === undefined ? null : `received_at >= ${timestamp(from)}`,
    to === undefined ? null : `received_at < ${timestamp(to)}`,
    `received_at < ${timestamp(now + 1)}`,
  );
}

/** `matched` letters, and how many of them a replay would append. */
export function lettersCountSql(where: string, are_named: boolean): LakeQuestion {
  const opened = are_named ? "state = 'open'" : "state = 'open' AND NOT was_tried";
  const sql = `WITH RECURSIVE ${LETTERS_WITH_STATE}
    SELECT count(*) AS matched, count(*) FILTER (${opened}) AS opened FROM letters WHERE ${where}`;
  return { sql, needs: [DEAD_LETTERS, RAW_EVENTS], limit: 1 };
}

function lettersWhere(query: Query, after: readonly string[] | null): string {
  const equal = (name: string) => {
    const value = textParameter(query, name);
    return value === null ? null : `${name} = ${text(value)}`;
  };
  const state = choiceParameter(query, "state", LETTER_STATES);
  const from = timeParameter(query, "from");
  const to = timeParameter(query, "to");
  return all(
    ...["reason", "source", "kind", "dead_letter_id", "replay_of"].map(equal),
    state === null ? null : `state = ${text(state)}`,
    from === null ? null : `received_at >= ${timestamp(from)}`,
    to === null ? null : `received_at < ${timestamp(to)}`,
    behind(
      "received_at",
      "dead_letter_id",
      after && { first: sameTimestamp(after[0]), second: text(after[1]) },
    ),
  );
}

/** A letter is replayed when a record that replays it became a row or a duplicate. */
export const LETTERS_WITH_STATE = `
    done AS (
      SELECT DISTINCT replay_of AS done_id FROM ${RAW_EVENTS}
      WHERE replay_of IS NOT NULL AND outcome IN ('row', 'duplicate')
      UNION
      SELECT dead.replay_of FROM ${DEAD_LETTERS} AS dead JOIN done ON dead.dead_letter_id = done.done_id
      WHERE dead.replay_of IS NOT NULL
    ),
    tried AS (SELECT DISTINCT replay_of AS tried_id FROM ${RAW_EVENTS} WHERE replay_of IS NOT NULL),
    letters AS (
      SELECT dead.*, CASE WHEN done.done_id IS NULL THEN 'open' ELSE 'replayed' END AS state,
        tried.tried_id IS NOT NULL AS was_tried
      FROM ${DEAD_LETTERS} AS dead LEFT JOIN done ON done.done_id = dead.dead_letter_id
        LEFT JOIN tried ON tried.tried_id = dead.dead_letter_id
    )`;

function letterSql(where: string): string {
  return `WITH RECURSIVE ${LETTERS_WITH_STATE}
    SELECT * EXCLUDE (was_tried) FROM letters WHERE ${where} ORDER BY received_at DESC, dead_letter_id DESC`;
}
