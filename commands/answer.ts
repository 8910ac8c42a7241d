/** How a command gives rows: in the form that was asked for, whole, on standard output; notes go to standard error. */
import type { QueryResult } from "../lib/query/engine.ts";
import { resultText } from "../lib/query/table_text.ts";
import { systemClock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import type { Fault } from "../lib/errors.ts";
import type { Question } from "../lib/lake/questions.ts";
import { writtenTime } from "../lib/written_time.ts";
import { type Arguments, wrongUsage } from "./arguments.ts";
import type { OpenLake } from "./lake.ts";
import { parquetBytes, type Rows } from "./parquet_rows.ts";
import { whileWaiting } from "./progress.ts";

const FORMATS = ["table", "json", "csv", "parquet"] as const;
export type AnswerFormat = typeof FORMATS[number];
export const MAX_ROWS = 1_000_000;

export const FORMAT_HELP =
  "--format table (the default), json (an array of objects), csv (safe for spreadsheets) or parquet (into a file: > rows.parquet).";
export const TIME_HELP =
  "Times are written like 2026-01-31T09:30:00Z, or as a day; without a zone they are UTC.";

export function formatOf({ options }: Arguments): AnswerFormat {
  const format = FORMATS.find((one) => one === (options.format ?? "table"));
  if (!format) throw wrongUsage(`--format must be one of ${FORMATS.join(", ")}`);
  if (format === "parquet" && Deno.stdout.isTerminal()) throw noParquetHere();
  return format;
}

export function noParquetHere(): Fault {
  return wrongUsage("parquet is no text: send it into a file, as in > rows.parquet");
}

export function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? undefined : writtenTime(text);
  if (time === null) {
    throw wrongUsage(`${JSON.stringify(text)} is no time; write it like 2026-01-31T09:30:00Z`);
  }
  return time;
}

/** Asks, says that it takes its time when it does, and gives the answer. */
export async function giveAnswer(
  { questions }: OpenLake,
  question: Question,
  format: AnswerFormat,
): Promise<void> {
  const truncated = await whileWaiting("querying", systemClock, async () => {
    if (format === "parquet") {
      const answer = await questions.askParquet(question);
      return { bytes: answer.bytes, truncated: answer.truncated };
    }
    const result = await questions.ask(question);
    return { bytes: bytesOf(result, format), truncated: result.truncated };
  }).then(async (answer) => {
    await writeOut(answer.bytes);
    return answer.truncated;
  });
  if (truncated) console.error(`cut after ${question.limit} rows; --limit shows more`);
}

/** Gives rows that are known already. */
export async function giveRows(settings: Settings, table: Rows, format: AnswerFormat): Promise<void> {
  if (format === "parquet") return await writeOut(await parquetBytes(settings, table));
  const columns = table.columns.map(([name, type]) => ({ name, type }));
  await writeOut(bytesOf({ columns, rows: table.rows, truncated: false, elapsed_ms: 0 }, format));
}

function bytesOf(result: QueryResult, format: Exclude<AnswerFormat, "parquet">): Uint8Array<ArrayBuffer> {
  const width = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : undefined;
  return new TextEncoder().encode(resultText(result, format, { width }));
}

/** All of it, however slowly the other side reads; who stops reading (`| head`) has what they wanted. */
export async function writeOut(bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** One line; false once nobody reads any more. (console.log would not say.) */
export function printLine(text: string): boolean {
  const bytes = new TextEncoder().encode(`${text}\n`);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  }
}
