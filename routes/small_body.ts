/** Reads what people and pages send to the API: small bodies, JSON checked by a schema. */
import type { Context } from "hono";
import type { z } from "zod";
import type { FieldFault } from "../lib/errors.ts";
import { readBody } from "./body.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Env } from "./door.ts";
import type { BytesInFlight } from "./limits.ts";
import { problem } from "./problem.ts";

const MAX_BYTES = 1024 * 1024;

export interface SmallBodies {
  deadlines: Deadlines;
  in_flight: BytesInFlight;
}

/** The bytes, or the answer to give instead. */
export async function readSmallBody(c: Context<Env>, bodies: SmallBodies): Promise<Uint8Array | Response> {
  const reading = await readBody(c.req.raw, c.env, { ...bodies, max_bytes: MAX_BYTES });
  if (reading.refused) return reading.refused;
  reading.release();
  return reading.bytes;
}

/** The text, or the answer to give instead. */
export async function readText(c: Context<Env>, bodies: SmallBodies): Promise<string | Response> {
  const bytes = await readSmallBody(c, bodies);
  if (bytes instanceof Response) return bytes;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return problem({ status: 400, detail: "The body is not UTF-8.", code: "not_utf8" });
  }
}

/** The value and its text, the value of an `empty` body where there is one, or 400 with every field at fault. */
export async function readJson<S extends z.ZodType>(
  c: Context<Env>,
  bodies: SmallBodies,
  schema: S,
  { empty }: { empty?: z.output<S> } = {},
): Promise<{ value: z.output<S>; text: string; refused: null } | { refused: Response }> {
  const text = await readText(c, bodies);
  if (text instanceof Response) return { refused: text };
  if (text === "" && empty !== undefined) return { value: empty, text, refused: null };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { refused: problem({ status: 400, detail: "The body is not JSON." }) };
  }
  const parsed = schema.safeParse(json);
  return parsed.success
    ? { value: parsed.data, text, refused: null }
    : { refused: fieldProblem(parsed.error) };
}

export function fieldProblem(error: z.ZodError): Response {
  const errors = error.issues.flatMap((issue): FieldFault[] => {
    const field = issue.path.join(".");
    return issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({
        field: [...issue.path, key].join("."),
        code: issue.code,
        expected: "no such field",
      }))
      : [{ field, code: issue.code, expected: issue.message }];
  });
  return problem({
    status: 400,
    detail: "Some fields are not as they must be.",
    code: "invalid_parameter",
    errors,
  });
}
