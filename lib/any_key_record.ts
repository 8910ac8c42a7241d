/** A record whose keys somebody else chose: zod's own leaves `__proto__` out. */
import { z } from "zod";

/** Takes an object whose values all pass `value`, and keeps every key of it. */
export function anyKeyRecord<T>(value: z.ZodType<T>) {
  const entries = (given: unknown) =>
    typeof given === "object" && given !== null && !Array.isArray(given)
      ? new Map(Object.entries(given))
      : given;
  return z.preprocess(entries, z.map(z.string(), value)).transform((map) => Object.fromEntries(map));
}
