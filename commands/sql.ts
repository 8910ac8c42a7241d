/** `main.ts sql`: one SELECT over the lake, running server or not. */
import { resultText } from "../lib/query/table_text.ts";
import { parseArguments, wholeOption, wrongUsage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { openLake } from "./lake.ts";

const FORMATS = ["table", "json", "csv"] as const;
type Format = typeof FORMATS[number];
const MAX_ROWS = 1_000_000;

export const sql: Command = {
  names: ["sql"],
  usage: 'sql "<select>" [--as-of T] [--format table|json|csv] [--limit N]',
  doc: "query the lake by table name",
  on_lake: true,
  async run({ args, settings }) {
    const parsed = parseArguments(args, { words: [1, 1], options: ["as-of", "format", "limit"] });
    const format = formatOf(parsed.options.format ?? "table");
    const limit = wholeOption(parsed, "limit", 10_000, [0, MAX_ROWS]);
    await using lake = await openLake(settings);
    const as_of = timeOf(parsed.options["as-of"]);
    const result = await lake.questions.ask({ sql: parsed.words[0], limit, as_of });
    const width = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : undefined;
    await Deno.stdout.write(new TextEncoder().encode(resultText(result, format, { width })));
    if (result.truncated) console.error(`cut after ${limit} rows; --limit shows more`);
    return 0;
  },
};

export function formatOf(text: string): Format {
  const format = FORMATS.find((one) => one === text);
  if (!format) throw wrongUsage(`--format must be one of ${FORMATS.join(", ")}`);
  return format;
}

export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw wrongUsage(`${JSON.stringify(text)} is no time; write it like 2026-01-31T09:30:00Z`);
  }
  return time;
}
