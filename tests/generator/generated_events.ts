/** A run of the generator for tests, with each event's body where it holds one. */
import { decodeJson, isJsonObject, type JsonObject } from "../../lib/event/json_text.ts";
import type { Generated } from "../../lib/generator/generated.ts";
import { Generator } from "../../lib/generator/generator.ts";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";

export interface Told extends Generated {
  told_ms: number;
  body: JsonObject;
}

export interface RunOptions {
  seed?: number;
  count?: number;
  hours?: number;
  file?: string;
}

/** A Monday. */
export const BEGIN_MS = Date.UTC(2026, 0, 5);

export function told({ seed = 1, count = 20_000, hours = 24, file = "" }: RunOptions = {}): Told[] {
  const span_ms = hours * 3_600_000;
  const generator = new Generator({
    seed,
    config: readGeneratorFile(file),
    events_per_second: count / span_ms * 1000,
    until_ms: BEGIN_MS + span_ms * 0.99,
  });
  return Array.from({ length: count }, (_, i) => {
    const told_ms = BEGIN_MS + Math.floor(i * span_ms / count);
    const generated = generator.next(told_ms);
    return { ...generated, told_ms, body: bodyOf(generated.value) };
  });
}

function bodyOf(value: Uint8Array): JsonObject {
  const decoded = decodeJson(value);
  return decoded.ok && isJsonObject(decoded.value) ? decoded.value : {};
}

export function isLabelled({ labels }: Generated, pattern: string | RegExp): boolean {
  return labels.some((label) =>
    typeof pattern === "string" ? label.pattern === pattern : pattern.test(label.pattern)
  );
}

export const isMalformed = (generated: Generated) =>
  isLabelled(generated, /^(undecodable|schema|too_deep|future_timestamp|id_conflict)/);
