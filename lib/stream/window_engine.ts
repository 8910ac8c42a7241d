/**
 * The windows in force over the events of one partition.
 *
 *   in force     windows/ {windows, after}        the list of the last `settings` record, as it came
 *   state        window/<name>/<hash>...          goes on as long as the definition's text stays
 *
 * A definition that is new or changed while events flow begins with the windows that begin after the highest event time
 * seen, so that every window it ever writes is whole. What a changed or removed one still held is dropped.
 */
import type { KindShapes } from "./column_types.ts";
import type { KeyedState, StreamOutput } from "./operator.ts";
import { SessionWindow } from "./session_window.ts";
import { SlidingWindow } from "./sliding_window.ts";
import type { KeyPlans, Subject } from "./subject.ts";
import type { PartitionTime } from "./watermark.ts";
import { EVERYTHING } from "./where.ts";
import { keyHoldsPartition, parseWindows, type WindowDefinition } from "./window_definition.ts";
import { windowColumns } from "./window_table.ts";
import { type Move, type WindowContext, type WindowOperator, windowSpace } from "./window_operator.ts";

interface InForce {
  windows: readonly unknown[];
  /** By space: highest event time when the definition came; null when no row had been seen. */
  after: Readonly<Record<string, number | null>>;
}

const IN_FORCE = "windows";
const ONE = "";
const NO_WINDOWS: InForce = { windows: [], after: {} };

export interface WindowEngineOptions {
  state: KeyedState;
  partition: number;
  kinds: KindShapes;
  plans: KeyPlans;
}

export class WindowEngine {
  #inForce: InForce;
  #operators: readonly WindowOperator[] = [];
  #byKind = new Map<string, WindowOperator[]>();

  constructor(private readonly options: WindowEngineOptions, time: PartitionTime) {
    this.#inForce = options.state.space<InForce>(IN_FORCE).get(ONE) ?? NO_WINDOWS;
    this.#enforce(parseWindows(this.#inForce.windows, options.kinds).definitions, time);
  }

  /** The list in force, as it came. */
  get inForce(): readonly unknown[] {
    return this.#inForce.windows;
  }

  /** Takes a list over, or says why not. Windows whose own text stays keep their state. */
  replace(windows: readonly unknown[], time: PartitionTime): string | null {
    const { definitions, issues } = parseWindows(windows, this.options.kinds);
    if (issues.length > 0) {
      return issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ");
    }
    const after: Record<string, number | null> = {};
    for (const definition of definitions) {
      const space = windowSpace(definition);
      after[space] = Object.hasOwn(this.#inForce.after, space) ? this.#inForce.after[space] : time.highest_us;
    }
    for (const gone of Object.keys(this.#inForce.after)) if (!Object.hasOwn(after, gone)) this.#drop(gone);
    this.#inForce = { windows, after };
    this.options.state.space<InForce>(IN_FORCE).put(ONE, this.#inForce);
    this.#enforce(definitions, time);
    return null;
  }

  /** Counts an event that is not late. Bots are left out of every window. */
  add(subject: Subject, watermark_us: number | null): void {
    const operators = this.#byKind.get(subject.event.kind);
    if (operators === undefined || subject.row.is_bot === true) return;
    for (const operator of operators) {
      if (operator.where === EVERYTHING || operator.where(subject.row)) operator.add(subject, watermark_us);
    }
  }

  advance(move: Move, out: StreamOutput[]): void {
    for (const operator of this.#operators) operator.advance(move, out);
  }

  /** Whether moving the watermark so far would close or revise something. */
  wouldWrite(watermark_us: number, to_us: number): boolean {
    return this.#operators.some((operator) => {
      const next = operator.nextOutput_us(watermark_us);
      return next !== null && next <= to_us;
    });
  }

  /** Windows and sessions in state, for the metrics. */
  held(): { windows: number; sessions: number } {
    let [windows, sessions] = [0, 0];
    for (const operator of this.#operators) {
      if (operator.definition.kind === "session") sessions += operator.held();
      else windows += operator.held();
    }
    return { windows, sessions };
  }

  #drop(space: string): void {
    const { state } = this.options;
    for (const name of [...state.spaces()]) {
      if (name === space || name.startsWith(`${space}/`)) state.release(name);
    }
  }

  #enforce(definitions: readonly WindowDefinition[], time: PartitionTime): void {
    const known = new Map(this.#operators.map((operator) => [windowSpace(operator.definition), operator]));
    this.#operators = definitions.map((one) => known.get(windowSpace(one)) ?? this.#operator(one, time));
    this.#byKind = Map.groupBy(this.#operators, ({ definition }) => definition.over);
  }

  #operator(definition: WindowDefinition, time: PartitionTime): WindowOperator {
    const { state, partition, plans, kinds } = this.options;
    const context: WindowContext = {
      state,
      partition,
      key: plans.of(definition.key),
      columns: windowColumns(definition, kinds.get(definition.over)!).map(({ name }) => name),
      after_us: this.#inForce.after[windowSpace(definition)] ?? null,
      watermark_us: time.watermark_us,
    };
    switch (definition.kind) {
      case "tumbling":
      case "sliding": {
        const parts = !keyHoldsPartition(definition.key, kinds.get(definition.over)!);
        return new SlidingWindow(definition, parts, context);
      }
      case "session":
        return new SessionWindow(definition, context);
    }
  }
}
