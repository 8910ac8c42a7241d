/** What every rule says, whatever its kind, and what a kind of rule has to do. */
import { z } from "zod";
import type { AlertContext, Severity } from "../alert/alert.ts";
import { DurationOrZero } from "./duration.ts";
import type { StateSpace } from "./operator.ts";
import type { Standing } from "./statistics.ts";
import type { Subject } from "./subject.ts";
import type { PartitionTime } from "./watermark.ts";
import { Where } from "./where.ts";

export const SeverityName = z.enum(["low", "medium", "high", "critical"]);

export const Field = z.string().min(1);

export const ruleFields = {
  name: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, "is no name of lower-case letters, digits and _"),
  doc: z.string().optional(),
  enabled: z.boolean().default(true),
  severity: SeverityName,
  /** The kind of event that it is evaluated at. */
  over: z.string().default("transaction"),
  where: Where.optional(),
  /** Whose events belong together; by default the partition field of the kind. */
  key: z.array(Field).min(1).max(4).optional(),
  /** 0: every firing is an alert. */
  cool_down: DurationOrZero.optional(),
};

/** What a rule found at an event. */
export interface Finding {
  description: string;
  /** Other events that belong to it, oldest first; the event itself comes after them. */
  earlier_event_ids?: readonly string[];
  context: Partial<AlertContext>;
  /** Where it is not the rule's own. */
  severity?: Severity;
}

/** What a rule may look at besides the event. */
export interface Surroundings {
  /** As it was before the event. */
  time: PartitionTime;
  /** Of a transaction among the earlier ones of its user and currency. */
  standing: Standing | null;
}

/** One rule in force. Keeps its state in KeyedState, and puts nothing before it can no longer throw. */
export interface RuleEvaluator {
  evaluate(subject: Subject, key: string, surroundings: Surroundings): Finding | null;
  /** Forgets what nothing can need any more. */
  sweep?(time: PartitionTime): void;
}

export interface RuleContext {
  /** The rule's own space; what it keeps there is its own affair. */
  space<T>(): StateSpace<T>;
}
