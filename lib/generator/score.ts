/**
 * How good rules are, told from labels that were written before any rule had seen an event.
 *
 *   precision   alerts of a rule at an event that carries its label, among all its alerts
 *   recall      bursts with at least one alert of the rule among their labelled events, among all bursts with its label
 */
import type { Label } from "./generated.ts";

export interface RuleScore {
  rule: string;
  bursts: number;
  found: number;
  /** Null without bursts. */
  recall: number | null;
  alerts: number;
  right: number;
  /** Null without alerts. */
  precision: number | null;
}

interface Tally {
  /** By burst, whether it was found. */
  bursts: Map<string, boolean>;
  /** Burst by labelled event. */
  events: Map<string, string>;
  alerts: number;
  right: number;
}

export class Scoreboard {
  readonly #tallies = new Map<string, Tally>();

  labelled({ rule, burst_id, event_id }: Label): void {
    if (rule === null || burst_id === null || event_id === null) return;
    const { bursts, events } = this.#tally(rule);
    events.set(event_id, burst_id);
    if (!bursts.has(burst_id)) bursts.set(burst_id, false);
  }

  /** An alert; its event was generated, and so labelled, before. */
  alerted(rule: string, event_id: string): void {
    const tally = this.#tally(rule);
    tally.alerts++;
    const burst_id = tally.events.get(event_id);
    if (burst_id === undefined) return;
    tally.right++;
    tally.bursts.set(burst_id, true);
  }

  score(rule: string): RuleScore {
    const { bursts, alerts, right } = this.#tally(rule);
    const found = [...bursts.values()].filter((one) => one).length;
    return {
      rule,
      bursts: bursts.size,
      found,
      recall: bursts.size === 0 ? null : found / bursts.size,
      alerts,
      right,
      precision: alerts === 0 ? null : right / alerts,
    };
  }

  #tally(rule: string): Tally {
    let tally = this.#tallies.get(rule);
    if (!tally) {
      this.#tallies.set(rule, tally = { bursts: new Map(), events: new Map(), alerts: 0, right: 0 });
    }
    return tally;
  }
}
