/** `/api/rules`: what is in force, and new rules, which are a record of the log before they are a file. */
import { type Context, Hono } from "hono";
import type { Clock } from "../lib/clock.ts";
import type { ControlFile } from "../lib/configuration.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import { RAW_EVENTS } from "../lib/event/raw_event.ts";
import type { EventLog, NewRecord } from "../lib/log/log.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import { controlRecord } from "../lib/partition/control_record.ts";
import { saysNothing } from "../lib/stream/definition_file.ts";
import type { Env } from "./door.ts";
import { faulty } from "./cursor.ts";
import type { LakeSql } from "./lake_sql.ts";
import { problem } from "./problem.ts";
import { readText, type SmallBodies } from "./small_body.ts";

/** What rules would have raised over the last hours, had they been in force. */
export interface RuleTrial {
  hours: number;
  events: number;
  alerts: number;
  by_rule: Readonly<Record<string, number>>;
  /** Whether there were more events than a trial looks at; then the latest were. */
  truncated: boolean;
}

export interface RulesFile {
  /** Reads YAML whole, or throws a Fault with every line at fault; columns that were added to tables may be named. */
  parse(text: string): Promise<ControlFile>;
  read(): Promise<FileAsItIs>;
  /** Rejects where the file may not be written. */
  write(text: string): Promise<void>;
  trial(file: ControlFile, hours: number): Promise<RuleTrial>;
}

export interface FileAsItIs {
  /** Names no rules when there is no file; null when it cannot be read. */
  text: string | null;
  /** Why it is refused; null when it is not. */
  problem: string | null;
}

export interface RulesDeps {
  clock: Pick<Clock, "now">;
  rules: RulesFile;
  /** Version that the process workers took over last, by the checkpoints; null before that. */
  inForce(): Promise<string | null>;
  lake: LakeSql | null;
  log: Pick<EventLog, "append">;
  partitions: number;
  bodies: SmallBodies;
  lines: LogLine;
}

const SAYS_NOTHING = "The text names no rules. To have none, write `rules: []`.";
/** Records of rules in which one that is still in force is looked for. */
const LOOKED_BACK = 100;
export const MAX_TRIAL_HOURS = 24 * 30;

interface Known {
  text: string;
  file: ControlFile;
}

/** What was put last here is shown until the workers have it, or something that came after it. */
interface Put extends Known {
  /** Version in force when it was put; undefined once the workers have had it. */
  before: string | null | undefined;
}

export function rules(deps: RulesDeps): Hono<Env> {
  const last: { put: Put | null } = { put: null };
  return new Hono<Env>()
    .get("/api/rules", async (c) => c.json(await rulesInForce(deps, last.put)))
    .put("/api/rules", async (c) => {
      const text = await readText(c, deps.bodies);
      if (text instanceof Response) return text;
      const file = await parsed(deps.rules, text);
      if (file instanceof Response) return file;
      const hours = trialHours(c);
      if (hours !== null) return c.json(await deps.rules.trial(file, hours));
      const received_at = deps.clock.now();
      const records = Array.from(
        { length: deps.partitions },
        (_, partition) => putRecord(partition, file, received_at),
      );
      const before = await deps.inForce();
      await deps.log.append("events", records);
      last.put = { text, file, before };
      return c.json({ version: file.version, written: await write(deps, text) });
    });
}

/**
 * Without the hash of a file: whoever reads another file than ours, or the old one where ours cannot be written, goes on
 * knowing it as taken over, and does not put it back in force.
 */
function putRecord(partition: number, { body, version }: ControlFile, received_at: number): NewRecord {
  return controlRecord("rules", partition, { body, received_at, headers: { version } });
}

/**
 * Refused rules say on which line, for an editor to show. Unlike a file, a text that was sent has a sender who can be asked
 * whether nothing at all is a slip: it would end every rule.
 */
async function parsed(rules: RulesFile, text: string): Promise<ControlFile | Response> {
  if (saysNothing(text)) return problem({ status: 400, detail: SAYS_NOTHING, code: "no_rules" });
  try {
    return await rules.parse(text);
  } catch (error) {
    if (!(error instanceof Fault) || error.blame !== "sender") throw error;
    const line = /\bline (\d+)/.exec(error.fields[0]?.actual ?? error.message)?.[1];
    return problem({
      status: 400,
      detail: error.message,
      code: error.code,
      errors: error.fields.map((field) => ({ ...field, message: field.actual })),
      more: line === undefined ? {} : { line: Number(line) },
    });
  }
}

function trialHours(c: Context<Env>): number | null {
  const text = c.req.query("dry_run");
  if (text === undefined) return null;
  const hours = Number(text);
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(text) || hours <= 0 || hours > MAX_TRIAL_HOURS) {
    throw faulty("dry_run", `a number of hours up to ${MAX_TRIAL_HOURS}`);
  }
  return hours;
}

/** The log has the rules already; the file is for the next start and for people. */
async function write({ rules, lines }: RulesDeps, text: string): Promise<boolean> {
  try {
    await rules.write(text);
    return true;
  } catch (error) {
    lines.warn("the rules stand on the log, but their file cannot be written", { reason: messageOf(error) });
    return false;
  }
}

async function rulesInForce(deps: RulesDeps, last: Put | null) {
  const version = await deps.inForce();
  if (last !== null && version === last.file.version) last.before = undefined;
  const put = last !== null && (version === last.file.version || version === last.before) ? last : null;
  const { text, problem } = await deps.rules.read();
  const known = put ?? await fromFile(deps.rules, text, version) ?? await fromLake(deps, version);
  if (known === null && text === null) {
    throw new Fault("rules_unknown", `Cannot tell the rules: ${problem}`, {
      blame: "dependency",
      retry: "after_backoff",
    });
  }
  const list = known?.file.body.rules;
  const items = Array.isArray(list) ? list.map(withDefaults) : [];
  return {
    version: put?.file.version ?? version ?? known?.file.version ?? null,
    /** Whether the process workers have taken it over. */
    taken_over: known !== null && known.file.version === version,
    yaml: known?.text ?? text,
    items,
    cursor: null,
    problem,
  };
}

function withDefaults(rule: unknown): object {
  return { enabled: true, over: "transaction", ...(typeof rule === "object" ? rule : {}) };
}

/** The file, when it is what is in force (or nothing is yet). */
async function fromFile(
  rules: RulesFile,
  text: string | null,
  version: string | null,
): Promise<Known | null> {
  if (text === null) return null;
  try {
    const file = await rules.parse(text);
    return version === null || file.version === version ? { text, file } : null;
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}

/** The record of `version`, or the newest, among the last of the raw table: where the file says something else than the log. */
async function fromLake({ lake }: RulesDeps, version: string | null): Promise<Known | null> {
  const sql = `SELECT body, headers FROM ${RAW_EVENTS} WHERE source = 'millrace' AND kind = 'rules'
    ORDER BY received_at DESC, log_offset DESC`;
  const found = await lake?.items({ sql, needs: [RAW_EVENTS], limit: LOOKED_BACK }) ?? [];
  const bodies = found.map((one) => JSON.parse(String(one.body)) as ControlFile["body"]);
  const body = version === null ? bodies[0] : bodies.find((one) => one.version === version);
  if (!body) return null;
  const text = JSON.stringify({ rules: body.rules }, null, 2);
  return { text, file: { body, version: String(body.version), file_hash: "" } };
}
