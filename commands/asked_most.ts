/** `main.ts alerts` and `main.ts transactions`: the questions asked most, without writing SQL. */
import { resultText } from "../lib/query/table_text.ts";
import { type Arguments, parseArguments, wholeOption, wrongUsage } from "./arguments.ts";
import type { Command, Invocation } from "./command.ts";
import { openLake } from "./lake.ts";
import { formatOf, timeOf } from "./sql.ts";

const MAX_ROWS = 1_000_000;
const COMMON = ["user", "from", "to", "as-of", "limit", "format"];

/** A text as an SQL literal. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The WHERE clause of the options that both commands share. */
function whereOf({ options }: Arguments, prefix = ""): string {
  const conditions: string[] = [];
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

async function answer(settings: Invocation["settings"], parsed: Arguments, sql: string): Promise<number> {
  const format = formatOf(parsed.options.format ?? "table");
  const limit = wholeOption(parsed, "limit", 50, [1, MAX_ROWS]);
  await using lake = await openLake(settings);
  const result = await lake.questions.ask({ sql, limit, as_of: timeOf(parsed.options["as-of"]) });
  const width = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : undefined;
  await Deno.stdout.write(new TextEncoder().encode(resultText(result, format, { width })));
  return 0;
}

export const alerts: Command = {
  names: ["alerts"],
  usage:
    "alerts [--user U] [--rule R] [--severity S] [--from T] [--to T] [--as-of T] [--limit N] [--format F]",
  doc: "the newest alerts",
  on_lake: true,
  run({ args, settings }) {
    const parsed = parseArguments(args, { options: [...COMMON, "rule", "severity"] });
    const more = (["rule", "severity"] as const).filter((name) => parsed.options[name] !== undefined)
      .map((name) => `${name} = ${literal(parsed.options[name])}`);
    const where = [whereOf(parsed), ...more].filter((part) => part !== "").join(" AND ");
    const condition = where === "" || where.startsWith("WHERE") ? where : `WHERE ${where}`;
    return answer(
      settings,
      parsed,
      `SELECT event_time, severity, rule, user_id, description, event_id FROM analytics.alerts ${condition}
       ORDER BY event_time DESC, alert_id`,
    );
  },
};

export const transactions: Command = {
  names: ["transactions"],
  usage: "transactions [--user U] [--from T] [--to T] [--as-of T] [--limit N] [--join-alerts] [--format F]",
  doc: "the newest transactions, with what was said of them",
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
    return answer(settings, parsed, sql);
  },
};
