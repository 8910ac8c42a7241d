/**
 * Session windows: for each key the maximal runs of events closer than the gap.
 *
 *   ---x--x---x----------x-x----> event time        two sessions; the first ends a gap after its last event
 *      |--------gap|     |----gap|
 *
 * A session keeps the id of the event that opened it. An event that stands between two sessions and reaches both makes
 * them one: the earlier goes on, the other is named in its `absorbed` list until a last revision has said so.
 *
 * State is, for each key, its sessions by start: [first, span, opening, revision, flags, absorbed, ...slots], with
 * span = last - first and opening = event time of the opening event - first.
 */
import type { Slot, Slots, Spill } from "./aggregate.ts";
import { AggregatePlan } from "./aggregate_plan.ts";
import { momentCell, wholeMilliseconds } from "./moment.ts";
import type { StateSpace, StreamOutput } from "./operator.ts";
import { replaced } from "./replaced.ts";
import type { Subject } from "./subject.ts";
import { TimerQueue } from "./timer_queue.ts";
import { type Predicate, predicate } from "./where.ts";
import type { SessionDefinition } from "./window_definition.ts";
import {
  inOrder,
  type Move,
  nextMultiple,
  passes,
  revisionOutput,
  RevisionRows,
  SECOND_US,
  type WindowContext,
  type WindowOperator,
  windowSpace,
} from "./window_operator.ts";

const FIRST = 0;
const SPAN = 1;
const OPENING = 2;
const REVISION = 3;
const FLAGS = 4;
const ABSORBED = 5;
const HEAD = 6;

/** Changed after it was written or closed. */
const REVISE = 1;
/** Changed since it was written, and early revisions are wanted. */
const UPDATE = 2;

/** Numbers that `absorbed` keeps of a session: opened, revision, first, end. */
const ABSORBED_WIDTH = 4;

type Sessions = readonly Slots[];

export class SessionWindow implements WindowOperator {
  readonly where: Predicate;
  readonly #kept: StateSpace<Sessions>;
  readonly #plan: AggregatePlan;
  readonly #rows: RevisionRows;
  readonly #gap_us: number;
  readonly #update_us: number | null;
  readonly #spill: Spill;
  /** The key at hand, whose records may spill. */
  #key = "";
  // Sessions grow without moving their timers: whoever is woken too early sets the next one.
  #closings = new TimerQueue();
  #expiries = new TimerQueue();
  #revise = new Set<string>();
  #update = new Set<string>();
  #held = 0;

  constructor(readonly definition: SessionDefinition, private readonly context: WindowContext) {
    this.#gap_us = definition.gap * 1000;
    this.#update_us = definition.update_every === undefined ? null : definition.update_every * 1000;
    this.#rows = new RevisionRows(definition, context.partition, context.columns);
    this.#plan = new AggregatePlan(definition.aggregates, { head: HEAD, parts: false });
    const name = windowSpace(definition);
    this.#kept = context.state.space(name, context.key.family);
    this.where = predicate(definition.where);
    const space = (record: Slots, slot: number) => `${name}/${slot}/${opened(record)}/${this.#key}`;
    this.#spill = { state: context.state, space };
    this.#rebuild(context.watermark_us ?? -Infinity);
  }

  add(subject: Subject, watermark_us: number | null): void {
    const at_us = subject.event_us;
    const { after_us } = this.context;
    if (after_us !== null && at_us <= after_us) return;
    const key = this.#key = subject.key(this.context.key);
    const sessions = this.#kept.get(key) ?? [];
    let from = sessions.length;
    while (from > 0 && at_us < this.#end(sessions[from - 1])) from--;
    let to = from;
    while (to < sessions.length && at_us > first(sessions[to]) - this.#gap_us) to++;
    const met = sessions.slice(from, to);
    const session = met.length === 0 ? this.#opened(at_us) : this.#extended(met, at_us);
    this.#plan.add(session, subject, this.#spill);
    this.#watch(key, session, met.length === 0, watermark_us ?? -Infinity);
    this.#held += 1 - met.length;
    this.#kept.put(
      key,
      met.length === 1
        ? replaced(sessions, from, session)
        : [...sessions.slice(0, from), session, ...sessions.slice(to)],
    );
  }

  #end(session: Slots): number {
    return first(session) + (session[SPAN] as number) + this.#gap_us;
  }

  #opened(at_us: number): Slot[] {
    return [at_us, 0, 0, 0, 0, null, ...this.#plan.initial];
  }

  /** The first of the sessions that the event meets, with the event's time and all that the others hold. */
  #extended(met: Sessions, at_us: number): Slot[] {
    const session = met[0].slice();
    for (const other of met.slice(1)) {
      this.#plan.absorb(session, other, this.#spill);
      session[SPAN] = first(other) + (other[SPAN] as number) - first(session);
      const absorbed = [...absorbedOf(session), ...absorbedOf(other)];
      if ((other[REVISION] as number) > 0) {
        absorbed.push(opened(other), other[REVISION] as number, first(other), this.#end(other));
      }
      if (absorbed.length > 0) session[ABSORBED] = absorbed;
      session[FLAGS] = (session[FLAGS] as number) | (other[FLAGS] as number);
      this.#plan.release(other, this.#spill);
    }
    const earlier = Math.max(0, first(session) - at_us);
    if (earlier > 0) {
      session[FIRST] = at_us;
      session[OPENING] = (session[OPENING] as number) + earlier;
      session[SPAN] = (session[SPAN] as number) + earlier;
    }
    session[SPAN] = Math.max(session[SPAN] as number, at_us - first(session));
    return session;
  }

  /** Notes what time will have to do with a session that just changed. */
  #watch(key: string, session: Slot[], isNew: boolean, now: number): void {
    const end = this.#end(session);
    const settled = (session[REVISION] as number) > 0 || session[ABSORBED] !== null ||
      ((session[FLAGS] as number) & REVISE) !== 0;
    if (settled || end <= now) {
      session[FLAGS] = (session[FLAGS] as number) | REVISE;
      this.#revise.add(key);
    }
    if (this.#update_us !== null) {
      session[FLAGS] = (session[FLAGS] as number) | UPDATE;
      this.#update.add(key);
    }
    // A settled one may have been closed, and its timer be gone.
    if (end > now && (isNew || settled)) this.#closings.push(end, key);
    if (isNew) this.#expiries.push(end, key);
  }

  advance(move: Move, out: StreamOutput[]): void {
    const revises = passes(move, SECOND_US);
    if (!revises && !this.#closings.hasDue(move.to_us)) return;
    const due = new Set<string>();
    this.#closings.takeDue(move.to_us, due);
    const updates = this.#update_us !== null && passes(move, this.#update_us);
    if (revises) { for (const key of this.#revise) due.add(key); }
    if (updates) { for (const key of this.#update) due.add(key); }
    if (revises) this.#revise.clear();
    if (updates) this.#update.clear();
    for (const key of inOrder(due)) this.#write(key, move, { revises, updates }, out);
    if (!revises) return;
    const expired = new Set<string>();
    this.#expiries.takeDue(move.line_us, expired);
    for (const key of expired) this.#forget(key, move.line_us);
  }

  #write(key: string, move: Move, passed: { revises: boolean; updates: boolean }, out: StreamOutput[]): void {
    const before = this.#kept.get(key);
    if (before === undefined) return;
    this.#key = key;
    const after = before.map((session) =>
      this.#isDue(session, move, passed) ? this.#written(key, session, move, out) : session
    );
    if (after.some((session, at) => session !== before[at])) this.#kept.put(key, after);
    const open = after.map((session) => this.#end(session)).filter((end) => end > move.to_us);
    if (open.length > 0) this.#closings.push(Math.min(...open), key);
  }

  #isDue(session: Slots, move: Move, { revises, updates }: { revises: boolean; updates: boolean }): boolean {
    const end = this.#end(session);
    const flags = session[FLAGS] as number;
    return (end > move.from_us && end <= move.to_us) || (revises && (flags & REVISE) !== 0) ||
      (updates && (flags & UPDATE) !== 0);
  }

  /** Writes a session's next revision, and the last ones of those that it absorbed. */
  #written(key: string, session: Slots, move: Move, out: StreamOutput[]): Slots {
    const revision = (session[REVISION] as number) + 1;
    const end_us = this.#end(session);
    const is_final = end_us <= move.to_us;
    const start_us = first(session);
    const row = this.#rows.row({ key, opened_us: opened(session), start_us, end_us, revision, is_final });
    const last_us = end_us - this.#gap_us;
    this.#plan.fill(row, [session], this.#spill);
    row.started_at = momentCell(first(session));
    row.last_event_at = momentCell(last_us);
    row.duration_ms = wholeMilliseconds(last_us - first(session));
    out.push(revisionOutput(this.definition, row));
    const absorbed = absorbedOf(session);
    for (let at = 0; at < absorbed.length; at += ABSORBED_WIDTH) {
      this.#writeAbsorbed(key, absorbed.slice(at, at + ABSORBED_WIDTH), String(row.window_id), out);
    }
    const after = session.slice();
    after[REVISION] = revision;
    after[FLAGS] = 0;
    after[ABSORBED] = null;
    return after;
  }

  #writeAbsorbed(key: string, numbers: readonly number[], into: string, out: StreamOutput[]): void {
    const [opened_us, before, start_us, end_us] = numbers;
    const row = this.#rows.row({ key, opened_us, start_us, end_us, revision: before + 1, is_final: true });
    row.merged_into = into;
    this.#plan.fill(row, [], this.#spill);
    row.duration_ms = 0;
    out.push(revisionOutput(this.definition, row));
  }

  /** Drops sessions that ended at or before the line: no event can reach them any more. */
  #forget(key: string, line_us: number): void {
    const sessions = this.#kept.get(key);
    if (sessions === undefined) return;
    this.#key = key;
    const kept = sessions.filter((session) => this.#end(session) > line_us);
    if (kept.length > 0) this.#expiries.push(Math.min(...kept.map((session) => this.#end(session))), key);
    if (kept.length === sessions.length) return;
    for (const session of sessions) if (!kept.includes(session)) this.#plan.release(session, this.#spill);
    this.#held -= sessions.length - kept.length;
    if (kept.length === 0) this.#kept.delete(key);
    else this.#kept.put(key, kept);
  }

  nextOutput_us(watermark_us: number): number | null {
    const times: (number | null)[] = [this.#closings.next()];
    if (this.#revise.size > 0) times.push(nextMultiple(watermark_us, SECOND_US));
    if (this.#update.size > 0) times.push(nextMultiple(watermark_us, this.#update_us!));
    const known = times.filter((time) => time !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  held(): number {
    return this.#held;
  }

  #rebuild(now: number): void {
    for (const [key, sessions] of this.#kept.entries()) {
      for (const session of sessions) {
        this.#held++;
        const end = this.#end(session);
        if (end > now) this.#closings.push(end, key);
        this.#expiries.push(end, key);
        if (((session[FLAGS] as number) & REVISE) !== 0) this.#revise.add(key);
        if (((session[FLAGS] as number) & UPDATE) !== 0) this.#update.add(key);
      }
    }
  }
}

function first(session: Slots): number {
  return session[FIRST] as number;
}

/** Event time of the event that opened the session: what its id is made of. */
function opened(session: Slots): number {
  return first(session) + (session[OPENING] as number);
}

function absorbedOf(session: Slots): readonly number[] {
  return (session[ABSORBED] ?? []) as readonly number[];
}
