/** `main.ts sql`: one SELECT over the lake, running server or not. */
import { FORMAT_HELP, formatOf, giveAnswer, MAX_ROWS, TIME_HELP, timeOf } from "./answer.ts";
import { parseArguments, wholeOption } from "./arguments.ts";
import type { Command } from "./command.ts";
import { openLake } from "./lake.ts";

const DEFAULT_ROWS = 10_000;

export const sql: Command = {
  names: ["sql"],
  usage: 'sql "<select>" [--as-of T] [--format table|json|csv|parquet] [--limit N]',
  doc: "query the lake by table name",
  more: [
    "One SELECT, WITH, FROM, VALUES, PIVOT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN; nothing is changed.",
    "Tables are stage.table; a name alone is looked for in processed, analytics, raw (main.ts tables lists them).",
    "--as-of shows every table as it was then.",
    FORMAT_HELP,
    `--limit ${DEFAULT_ROWS} rows unless told otherwise, at most ${MAX_ROWS}.`,
    "A query may take QUERY_TIMEOUT_MS and QUERY_MAX_BYTES.",
    TIME_HELP,
  ],
  on_lake: true,
  async run({ args, settings }) {
    const parsed = parseArguments(args, { words: [1, 1], options: ["as-of", "format", "limit"] });
    const format = formatOf(parsed);
    const limit = wholeOption(parsed, "limit", DEFAULT_ROWS, [0, MAX_ROWS]);
    const as_of = timeOf(parsed.options["as-of"]);
    await using lake = await openLake(settings);
    await giveAnswer(lake, { sql: parsed.words[0], limit, as_of }, format);
    return 0;
  },
};
