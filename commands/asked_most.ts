/** `main.ts alerts` and `main.ts transactions`: the questions asked most, without writing SQL. */
import { SEVERITIES } from "../lib/alert/alert.ts";
import { Fault } from "../lib/errors.ts";
import { parseTableKey } from "../lib/lake/table_key.ts";
import { FORMAT_HELP, formatOf, giveAnswer, MAX_ROWS, TIME_HELP, timeOf } from "./answer.ts";
import { type Arguments, parseArguments, wholeOption, wrongUsage } from "./arguments.ts";
import type { Command, Invocation } from "./command.ts";
import { openLake } from "./lake.ts";

const DEFAULT_ROWS = 50;
const COMMON = ["user", "from", "to", "as-of", "limit", "format"];
const HELP = [
  "--from and --to: event time from then on, and before then.",
  "--as-of shows the table as it was then.",
  `--limit ${DEFAULT_ROWS} rows unless told otherwise, at most ${MAX_ROWS}.`,
  FORMAT_HELP,
  TIME_HELP,
];

/** A text as an SQL literal. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The WHERE clause of the options that both commands share, and of columns that are named like their option. */
function whereOf({ options }: Arguments, prefix = "", named: readonly string[] = []): string {
  const conditions = named.filter((name) => options[name] !== undefined)
    .map((name) => `${prefix}${name} = ${literal(options[name])}`);
  if (options.user !== undefined) conditions.push(`${prefix}user_id = ${literal(options.user)}`);
  for (const [name, sign] of [["from", ">="], ["to", "<"]] as const) {
    const time = timeOf(options[name]);
    if (time !== undefined) {
      conditions.push(
        `${prefix}event_time ${sign} TIMESTAMP ${literal(new Date(time).toISOString().slice(0, -1))}`,
      );
    }
  }
  return conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
}

interface Asked {
  /** What the question is about: before the first start it is not there. */
  table: string;
  sql: string;
}

async function answer(
  settings: Invocation["settings"],
  parsed: Arguments,
  { table, sql }: Asked,
): Promise<number> {
  const format = formatOf(parsed);
  const limit = wholeOption(parsed, "limit", DEFAULT_ROWS, [1, MAX_ROWS]);
  const as_of = timeOf(parsed.options["as-of"]);
  await using lake = await openLake(settings);
  if (await lake.catalog.load(parseTableKey(table)) === null) {
    throw new Fault("no_table", `Cannot look at ${table}: it is made when the program starts`, {
      blame: "dependency",
      retry: "after_backoff",
    });
  }
  await giveAnswer(lake, { sql, limit, as_of }, format);
  return 0;
}

export const alerts: Command = {
  names: ["alerts"],
  usage:
    "alerts [--user U] [--rule R] [--severity S] [--from T] [--to T] [--as-of T] [--limit N] [--format F]",
  doc: "the newest alerts",
  more: ["--user, --rule and --severity show those alone.", ...HELP],
  on_lake: true,
  run({ args, settings }) {
    const parsed = parseArguments(args, { options: [...COMMON, "rule", "severity"] });
    const { severity } = parsed.options;
    if (severity !== undefined && !SEVERITIES.some((one) => one === severity)) {
      throw wrongUsage(`--severity must be one of ${SEVERITIES.join(", ")}`);
    }
    const where = whereOf(parsed, "", ["rule", "severity"]);
    return answer(
      settings,
      parsed,
      {
        table: "analytics.alerts",
        sql: `SELECT event_time, severity, rule, user_id, description, event_id FROM analytics.alerts ${where}
       ORDER BY event_time DESC, alert_id`,
      },
    );
  },
};

export const transactions: Command = {
  names: ["transactions"],
  usage: "transactions [--user U] [--from T] [--to T] [--as-of T] [--limit N] [--join-alerts] [--format F]",
  doc: "the newest transactions, with what was said of them",
  more: [
    "--user shows that user's alone.",
    "--join-alerts adds rule and severity of the alerts that they caused.",
    ...HELP,
  ],
  on_lake: true,
  run({ args, settings }) {
    const parsed = parseArguments(args, { options: COMMON, flags: ["join-alerts"] });
    if (parsed.words.length > 0) throw wrongUsage("a user is given with --user");
    const where = whereOf(parsed, "t.");
    const columns =
      "t.event_time, t.user_id, t.amount, t.currency, t.status, t.merchant_name, t.z_score, t.event_id";
    const sql = parsed.flags.has("join-alerts")
      ? `SELECT ${columns}, a.rule, a.severity FROM processed.transactions t
         LEFT JOIN analytics.alerts a ON a.event_id = t.event_id AND a.source = t.source ${where} ORDER BY t.event_time DESC`
      : `SELECT ${columns} FROM processed.transactions t ${where} ORDER BY t.event_time DESC`;
    return answer(settings, parsed, { table: "processed.transactions", sql });
  },
};
