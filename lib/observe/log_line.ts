/** Log lines: one line of text or one JSON object each, with a level, and never with a secret. */
import { messageOf } from "../errors.ts";
import type { Clock } from "../clock.ts";
import type { Scrub } from "./scrub.ts";

export type Level = "debug" | "info" | "warn" | "error";

const RANK: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Facts of a line. Names that speak of credentials are written as "[secret]" whatever they hold. */
export type Facts = Readonly<Record<string, unknown>>;

export interface LogLine {
  debug(msg: string, facts?: Facts): void;
  info(msg: string, facts?: Facts): void;
  warn(msg: string, facts?: Facts): void;
  error(msg: string, facts?: Facts): void;
  /** The same lines, each with these facts as well. */
  with(facts: Facts): LogLine;
}

export interface LogLineOptions {
  level: Level;
  format: "text" | "json";
  clock: Pick<Clock, "now">;
  scrub: Scrub;
  /** Receives each line without its line feed. */
  write(line: string): void;
}

const MAX_LINE_CHARS = 16_384;
const SECRET_NAME = /authorization|cookie|token|secret|password|signature|api_?key|access_key/i;

export function logLines(options: LogLineOptions, always: Facts = {}): LogLine {
  const at = (level: Level) => (msg: string, facts: Facts = {}) => {
    if (RANK[level] < RANK[options.level]) return;
    const time = new Date(options.clock.now()).toISOString();
    const all = presentable({ ...always, ...facts });
    const written = options.format === "json" ? jsonLine : textLine;
    const line = written(time, level, msg, all);
    const kept = line.length > MAX_LINE_CHARS ? written(time, level, cut(msg), { cut: cut(line) }) : line;
    options.write(options.scrub(kept));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (facts) => logLines(options, { ...always, ...facts }),
  };
}

/** The line that says where the program listens; whoever started it reads `url` from it. */
export function logListening(log: LogLine, at: { url: string; role: string; pid: number }): void {
  log.info("listening", { url: at.url, role: at.role, pid: at.pid });
}

function presentable(facts: Facts): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined) continue;
    // `time`, `level` and `msg` belong to the line.
    const key = name === "time" || name === "level" || name === "msg" ? `${name}_` : name;
    shown[key] = SECRET_NAME.test(name) ? "[secret]" : plain(value);
  }
  return shown;
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return value.stack ?? `${value.name}: ${value.message}`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object" || value === null) return value;
  try {
    return JSON.parse(JSON.stringify(value, hideSecrets));
  } catch (error) {
    return `[cannot be written: ${messageOf(error)}]`;
  }
}

function hideSecrets(name: string, value: unknown): unknown {
  if (name !== "" && SECRET_NAME.test(name)) return "[secret]";
  return typeof value === "bigint" ? value.toString() : value;
}

/** The beginning of what is too long for a line. */
function cut(text: string): string {
  return text.slice(0, MAX_LINE_CHARS / 4);
}

function jsonLine(time: string, level: Level, msg: string, facts: Record<string, unknown>): string {
  return JSON.stringify({ time, level, msg, ...facts });
}

function textLine(time: string, level: Level, msg: string, facts: Record<string, unknown>): string {
  const rest = Object.entries(facts).map(([name, value]) => ` ${name}=${textValue(value)}`).join("");
  return `${time} ${level.toUpperCase().padEnd(5)} ${oneLine(msg)}${rest}`;
}

function textValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

/** A message cannot fake a second line. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, " ");
}
