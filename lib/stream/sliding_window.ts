/**
 * Tumbling and sliding windows over event time. A tumbling window is one that slides by its own size.
 *
 *   panes     | p0 | p1 | p2 | p3 |        one slide long; an event is counted once, in its pane
 *   windows   |----- w0 -----|             size / slide panes each; made of their panes when they are written
 *                  |----- w1 -----|
 *   -----------------------------------> event time
 *                        ^ watermark: w0 is closed, w1 is open
 *
 * State is, for each key, the list of its panes: [index, flags, extra, ...slots]. Windows have no state of their own: a
 * window that the watermark has passed was written once, and `extra` counts by window what differs from that: early and
 * late revisions, and -1 where a pane came so late that its window had closed without it.
 */
import type { Slot, Slots, Spill } from "./aggregate.ts";
import { AggregatePlan } from "./aggregate_plan.ts";
import type { StateSpace, StreamOutput } from "./operator.ts";
import { replaced } from "./replaced.ts";
import type { Subject } from "./subject.ts";
import { TimerQueue } from "./timer_queue.ts";
import { type Predicate, predicate } from "./where.ts";
import type { AlignedDefinition } from "./window_definition.ts";
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

const INDEX = 0;
const FLAGS = 1;
const EXTRA = 2;
const HEAD = 3;

/** A closed window of the pane changed since it was written. */
const REVISE = 1;
/** An open window of the pane changed since it was written. */
const UPDATE = 2;

type Panes = readonly Slots[];

const NO_PANES: Panes = [];
const HEAD_SLOTS: Slot[] = [0, 0, 0];

export class SlidingWindow implements WindowOperator {
  readonly where: Predicate;
  readonly #kept: StateSpace<Panes>;
  readonly #plan: AggregatePlan;
  readonly #rows: RevisionRows;
  readonly #slide_us: number;
  /** Panes a window. */
  readonly #span: number;
  readonly #update_us: number | null;
  /** The first window that is ours. */
  readonly #first: number;
  readonly #spill: Spill;
  /** The key at hand, whose records may spill. */
  #key = "";
  #closings = new TimerQueue();
  #expiries = new TimerQueue();
  #revise = new Set<string>();
  #update = new Set<string>();
  #held = 0;

  constructor(
    readonly definition: AlignedDefinition,
    parts: boolean,
    private readonly context: WindowContext,
  ) {
    const slide = definition.kind === "sliding" ? definition.slide : definition.size;
    this.#slide_us = slide * 1000;
    this.#span = definition.size / slide;
    this.#update_us = definition.update_every === undefined ? null : definition.update_every * 1000;
    this.#first = context.after_us === null ? -Infinity : Math.floor(context.after_us / this.#slide_us) + 1;
    this.#rows = new RevisionRows(definition, context.partition, context.columns);
    this.#plan = new AggregatePlan(definition.aggregates, { head: HEAD, parts });
    const name = windowSpace(definition);
    this.#kept = context.state.space(name, context.key.family);
    this.where = predicate(definition.where);
    const space = (record: Slots, slot: number) => `${name}/${slot}/${record[INDEX]}/${this.#key}`;
    this.#spill = { state: context.state, space };
    this.#rebuild(context.watermark_us ?? -Infinity);
  }

  add(subject: Subject, watermark_us: number | null): void {
    const index = Math.floor(subject.event_us / this.#slide_us);
    if (index < this.#first) return;
    const key = this.#key = subject.key(this.context.key);
    const panes = this.#kept.get(key) ?? NO_PANES;
    const now = watermark_us ?? -Infinity;
    let at = panes.length;
    while (at > 0 && (panes[at - 1][INDEX] as number) > index) at--;
    const known = at > 0 && panes[at - 1][INDEX] === index;
    const pane = known ? panes[at - 1].slice() : this.#newPane(index, panes, at, now);
    this.#plan.add(pane, subject, this.#spill);
    this.#flag(key, pane, now);
    if (known) return this.#kept.put(key, replaced(panes, at - 1, pane));
    this.#kept.put(key, at === panes.length ? panes.concat([pane]) : panes.toSpliced(at, 0, pane));
    this.#watch(key, index, now);
  }

  /** An empty pane that will stand at `at`; notes which of its windows closed while they were empty. */
  #newPane(index: number, panes: Panes, at: number, now: number): Slot[] {
    const pane: Slot[] = HEAD_SLOTS.concat(this.#plan.initial);
    pane[INDEX] = index;
    const closed = Math.min(index, Math.floor(now / this.#slide_us) - this.#span);
    const before = at > 0 ? panes[at - 1][INDEX] as number : -Infinity;
    const after = at < panes.length ? panes[at][INDEX] as number : Infinity;
    for (let window = Math.max(index - this.#span + 1, this.#first); window <= closed; window++) {
      if (before < window && after >= window + this.#span) {
        pane[EXTRA] = withExtra(pane[EXTRA], index - window, -1);
      }
    }
    return pane;
  }

  #flag(key: string, pane: Slot[], now: number): void {
    const index = pane[INDEX] as number;
    if ((index + 1) * this.#slide_us <= now) {
      pane[FLAGS] = (pane[FLAGS] as number) | REVISE;
      this.#revise.add(key);
    }
    if (this.#update_us !== null && (index + this.#span) * this.#slide_us > now) {
      pane[FLAGS] = (pane[FLAGS] as number) | UPDATE;
      this.#update.add(key);
    }
  }

  /** Sets the timers of a pane: the first window of it that is still to close, and when it can be forgotten. */
  #watch(key: string, index: number, now: number): void {
    this.#held++;
    const close = this.#nextEnd(index, now);
    if (close !== null) this.#closings.push(close, key);
    this.#expiries.push((index + this.#span) * this.#slide_us, key);
  }

  /** The first end after `now` of a window that holds the pane; null when all have ended. */
  #nextEnd(index: number, now: number): number | null {
    const earliest = Math.max(index + 1, this.#first + this.#span) * this.#slide_us;
    const end = now < earliest ? earliest : nextMultiple(now, this.#slide_us);
    return end <= (index + this.#span) * this.#slide_us ? end : null;
  }

  advance(move: Move, out: StreamOutput[]): void {
    // Windows begin and end on whole seconds.
    if (!passes(move, SECOND_US)) return;
    const due = new Set(this.#revise);
    this.#closings.takeDue(move.to_us, due);
    const updates = this.#update_us !== null && passes(move, this.#update_us);
    if (updates) { for (const key of this.#update) due.add(key); }
    this.#revise.clear();
    if (updates) this.#update.clear();
    for (const key of inOrder(due)) this.#write(key, move, updates, out);
    const expired = new Set<string>();
    this.#expiries.takeDue(move.line_us, expired);
    for (const key of expired) this.#forget(key, move.line_us);
  }

  #write(key: string, move: Move, updates: boolean, out: StreamOutput[]): void {
    const before = this.#kept.get(key);
    if (before === undefined) return;
    this.#key = key;
    const windows = this.#windowsToWrite(before, move, updates);
    let panes = before;
    before.forEach((pane, at) => {
      const left = this.#flagsLeft(pane, move, updates);
      if (left !== pane[FLAGS]) panes = replaced(panes, at, replaced(pane, FLAGS, left));
    });
    for (const window of windows) panes = this.#revision(key, window, panes, move, out);
    if (panes !== before) this.#kept.put(key, panes);
    if (this.#span === 1) return;
    let next: number | null = null;
    for (const pane of panes) {
      const end = this.#nextEnd(pane[INDEX] as number, move.to_us);
      if (end !== null && (next === null || end < next)) next = end;
    }
    if (next !== null) this.#closings.push(next, key);
  }

  /** Indexes of the windows that close in the move or changed since they were written, ascending. */
  #windowsToWrite(panes: Panes, { from_us, to_us }: Move, updates: boolean): number[] {
    // Window i ends at (i + span) * slide: those up to `closed` had ended before, those up to `closing` end now.
    const closed = Math.floor(from_us / this.#slide_us) - this.#span;
    const closing = Math.floor(to_us / this.#slide_us) - this.#span;
    const windows: number[] = [];
    for (const pane of panes) {
      const last = pane[INDEX] as number;
      const first = Math.max(last - this.#span + 1, this.#first);
      const flags = pane[FLAGS] as number;
      const from = (flags & REVISE) !== 0 ? first : Math.max(first, closed + 1);
      const to = updates && (flags & UPDATE) !== 0 ? last : Math.min(last, closing);
      for (let window = from; window <= to; window++) if (!windows.includes(window)) windows.push(window);
    }
    return windows.length < 2 ? windows : windows.sort((a, b) => a - b);
  }

  /** The pane's flags that this writing does not settle. */
  #flagsLeft(pane: Slots, move: Move, updates: boolean): number {
    const isOpen = ((pane[INDEX] as number) + this.#span) * this.#slide_us > move.to_us;
    return isOpen && !updates ? (pane[FLAGS] as number) & UPDATE : 0;
  }

  /** Writes the next revision of a window; gives the panes, of which the window's last counts it where it must. */
  #revision(key: string, window: number, panes: Panes, move: Move, out: StreamOutput[]): Panes {
    const records: Slots[] = [];
    const start_us = window * this.#slide_us;
    const end_us = start_us + this.#span * this.#slide_us;
    let revision = end_us <= move.from_us ? 2 : 1;
    let last = -1;
    for (let at = 0; at < panes.length; at++) {
      const pane = panes[at];
      const offset = (pane[INDEX] as number) - window;
      if (offset < 0 || offset >= this.#span) continue;
      records.push(pane);
      revision += extraOf(pane[EXTRA], offset);
      last = at;
    }
    const is_final = end_us <= move.to_us;
    const row = this.#rows.row({ key, opened_us: start_us, start_us, end_us, revision, is_final });
    this.#plan.fill(row, records, this.#spill);
    out.push(revisionOutput(this.definition, row));
    // The writing at the end is the one that goes without saying.
    if (is_final && end_us > move.from_us) return panes;
    const pane = panes[last];
    const extra = withExtra(pane[EXTRA], (pane[INDEX] as number) - window, 1);
    return replaced(panes, last, replaced(pane, EXTRA, extra));
  }

  /** Drops panes whose last window has ended at or before the line: no event can come for them. */
  #forget(key: string, line_us: number): void {
    const panes = this.#kept.get(key);
    if (panes === undefined) return;
    this.#key = key;
    const kept = panes.filter((pane) => ((pane[INDEX] as number) + this.#span) * this.#slide_us > line_us);
    if (kept.length === panes.length) return;
    for (const pane of panes) if (!kept.includes(pane)) this.#plan.release(pane, this.#spill);
    this.#held -= panes.length - kept.length;
    if (kept.length === 0) this.#kept.delete(key);
    else this.#kept.put(key, kept);
  }

  nextOutput_us(watermark_us: number): number | null {
    const times = [this.#closings.next()];
    if (this.#revise.size > 0) times.push(nextMultiple(watermark_us, SECOND_US));
    if (this.#update.size > 0) times.push(nextMultiple(watermark_us, this.#update_us!));
    const known = times.filter((time) => time !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  held(): number {
    return this.#held;
  }

  #rebuild(now: number): void {
    for (const [key, panes] of this.#kept.entries()) {
      for (const pane of panes) {
        this.#watch(key, pane[INDEX] as number, now);
        const flags = pane[FLAGS] as number;
        if ((flags & REVISE) !== 0) this.#revise.add(key);
        if ((flags & UPDATE) !== 0) this.#update.add(key);
      }
    }
  }
}

/** What is counted for the window that begins `offset` panes before; a plain number as long as only offset 0 counts. */
function extraOf(extra: Slot, offset: number): number {
  if (typeof extra === "number") return offset === 0 ? extra : 0;
  return ((extra as readonly number[])[offset]) ?? 0;
}

function withExtra(extra: Slot, offset: number, more: number): Slot {
  if (typeof extra === "number" && offset === 0) return extra + more;
  const list = typeof extra === "number" ? [extra] : [...extra as readonly number[]];
  while (list.length <= offset) list.push(0);
  list[offset] += more;
  return list;
}
