/** Records made durable here, counted by source and by kind: what is known of them before anybody reads the log. */
import type { Kinds } from "../lib/event/kinds.ts";
import type { NewRecord } from "../lib/log/log.ts";
import type { Counter, Metrics } from "../lib/observe/metrics.ts";

export class AcceptedCounts {
  readonly #sources = new Map<string, Counter>();
  readonly #kinds = new Map<string, Counter>();

  constructor(readonly deps: { metrics: Metrics; kinds(): Kinds }) {}

  /** Of one source, and only when their append has ended well. */
  add(source: string, records: readonly NewRecord[]): void {
    this.#sourceOf(source).add(records.length);
    // Records of one request mostly share their headers, so that runs are counted and not records.
    for (let from = 0, at = 1; at <= records.length; at++) {
      const { headers } = records[from];
      if (at < records.length && records[at].headers === headers) continue;
      this.#kindOf(headers.kind).add(at - from);
      from = at;
    }
  }

  /** Types that no kind is named after are one: a sender may have any number of them. */
  #kindOf(name: string | undefined): Counter {
    const kind = name !== undefined && this.deps.kinds().has(name) ? name : "other";
    let counter = this.#kinds.get(kind);
    if (!counter) {
      this.#kinds.set(kind, counter = this.deps.metrics.counter("events_by_kind_total", { kind }));
    }
    return counter;
  }

  #sourceOf(source: string): Counter {
    let counter = this.#sources.get(source);
    if (!counter) {
      this.#sources.set(source, counter = this.deps.metrics.counter("events_accepted_total", { source }));
    }
    return counter;
  }
}
