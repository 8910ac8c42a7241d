/** `generator.yaml`: what the demo is made of, read whole or refused whole with line and reason. */
import { z } from "zod";
import { issuesOf, readYaml, refusal } from "../stream/definition_file.ts";

export const MAX_EVENTS_PER_SECOND = 50_000;

const share = (usual: number) => z.number().min(0).max(1).default(usual);
const weight = (usual: number) => z.number().min(0).max(1_000_000).default(usual);
const many = (usual: number, most: number) => z.int().min(1).max(most).default(usual);

const GeneratorFile = z.strictObject({
  events_per_second: z.int().min(1).max(MAX_EVENTS_PER_SECOND).optional(),
  users: many(1000, 5_000_000),
  merchants: z.int().min(20).max(100_000).default(300),
  products: many(500, 100_000),
  devices: many(100, 1_000_000),
  weights: z.strictObject({
    transaction: weight(45),
    clickstream: weight(30),
    user_activity: weight(8),
    api_call: weight(8),
    sensor_reading: weight(6),
    transaction_status: weight(3),
  }).prefault({}).refine(isSomething, { message: "must not all be 0" }),
  fraud_share: share(0.02),
  patterns: z.strictObject({
    high_value: weight(3),
    rapid_activity: weight(2),
    rapid_fire: weight(2),
    spike: weight(1),
    amount_anomaly: weight(8),
    travel: weight(3),
    diversity: weight(2),
    card_testing: weight(2),
    night: weight(3),
  }).prefault({}).refine(isSomething, { message: "must not all be 0" }),
  bot_share: share(0.05),
  malformed_share: share(0.004),
  duplicate_share: share(0.008),
  late_share: share(0.002),
  out_of_order_share: share(0.03),
  guest_share: share(0.03),
  night_share: share(0.1),
});

export type GeneratorConfig = z.infer<typeof GeneratorFile>;

function isSomething(weights: Readonly<Record<string, number>>): boolean {
  return Object.values(weights).some((weight) => weight > 0);
}

/** No file (null), and one that says nothing, mean the usual. Throws a Fault that names every line at fault. */
export function readGeneratorFile(text: string | null): GeneratorConfig {
  const what = "generator.yaml";
  const { value, lineOf } = readYaml(what, text ?? "");
  const parsed = GeneratorFile.safeParse(value ?? {});
  if (!parsed.success) throw refusal(what, issuesOf(parsed.error), lineOf);
  return parsed.data;
}
