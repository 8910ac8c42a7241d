/** What a program said in its log: the lines with one message. */
import type { Program } from "./program.ts";

export type SaidLine = { time: string } & Readonly<Record<string, unknown>>;

export function said({ lines }: Pick<Program, "lines">, message: string): SaidLine[] {
  return lines.filter((line) => line.includes(`"msg":"${message}"`)).map((line) => JSON.parse(line));
}
