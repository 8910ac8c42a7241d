/** From what the generator gives to records of the log: keyed and placed as the door would place them. */
import type { Kinds } from "../event/kinds.ts";
import type { NewRecord } from "../log/log.ts";
import { partitionOf } from "../log/topics.ts";
import { describe } from "../source/describe.ts";
import type { Sources } from "../source/sources.ts";
import type { Generated } from "./generated.ts";

/** The source of everything that the program made up itself. */
export const DEMO_SOURCE = "demo";

export interface Destination {
  partitions: number;
  kinds: Kinds;
  sources: Pick<Sources, "of" | "redactor">;
}

/** The record of one event, received at `received_at`. */
export function demoRecord(generated: Generated, to: Destination, received_at: number): NewRecord {
  const source = to.sources.of(DEMO_SOURCE);
  const redacted = to.sources.redactor(DEMO_SOURCE)?.(generated.value) ?? null;
  const value = redacted?.value ?? generated.value;
  const headers: Record<string, string> = {
    source: DEMO_SOURCE,
    kind: generated.kind,
    content_type: "application/json",
    ...(redacted === null ? {} : { redacted: "true", sha256: redacted.sha256 }),
  };
  const { partition_key, rejected } = describe(source, to.kinds, headers, value);
  // Of bytes that may not be stored only their keyed hash is left to tell them apart.
  const key = redacted !== null && rejected !== null ? redacted.sha256 : partition_key;
  return { partition: partitionOf(key, to.partitions), key, value, headers, received_at };
}
