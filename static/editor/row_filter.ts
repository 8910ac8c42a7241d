/** The filter box of a result: words that a row must hold, each anywhere or in one column, compared or not. Pure. */
import type { Rows } from "../engine/result.ts";

type Test = (row: number) => boolean;

/**
 * `berlin` anywhere in the row; `city:berlin` in that column; `amount>100`, `amount<=5`, `status=failed`, `status!=failed`;
 * several must all hold; "two words" in quotes. Null for a filter that asks nothing.
 */
export function rowFilter(text: string, rows: Rows): Test | null {
  const parts = text.match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? [];
  const tests = parts.map((part) => testOf(part.replaceAll('"', ""), rows)).filter((test) => test !== null);
  return tests.length === 0 ? null : (row) => tests.every((test) => test(row));
}

function testOf(part: string, rows: Rows): Test | null {
  const match = /^([^:<>=!]+)(:|<=|>=|!=|<|>|=)(.*)$/s.exec(part);
  const column = match
    ? rows.columns.findIndex((one) => one.name.toLowerCase() === match[1].toLowerCase())
    : -1;
  if (match && column >= 0) return columnTest(rows, column, match[2], match[3]);
  const word = part.toLowerCase();
  if (word === "") return null;
  return (row) => rows.columns.some((_, at) => (rows.text(row, at) ?? "").toLowerCase().includes(word));
}

function columnTest(rows: Rows, column: number, sign: string, wanted: string): Test | null {
  if (wanted === "") return null;
  const { kind } = rows.columns[column];
  const lower = kind === "time" ? sqlTime(wanted.toLowerCase()) : wanted.toLowerCase();
  const isNumber = kind === "number" && !Number.isNaN(Number(wanted));
  const compare = (row: number): number | null => {
    const text = rows.text(row, column);
    if (text === null) return null;
    return isNumber ? numbersCompared(text, wanted) : textsCompared(text.toLowerCase(), lower);
  };
  const holds = (judge: (order: number) => boolean): Test => (row) => {
    const order = compare(row);
    return order !== null && judge(order);
  };
  switch (sign) {
    case "=":
      return lower === "null" ? (row) => rows.text(row, column) === null : holds((order) => order === 0);
    case "!=":
      return lower === "null" ? (row) => rows.text(row, column) !== null : holds((order) => order !== 0);
    case "<":
      return holds((order) => order < 0);
    case "<=":
      return holds((order) => order <= 0);
    case ">":
      return holds((order) => order > 0);
    case ">=":
      return holds((order) => order >= 0);
    default:
      return (row) => (rows.text(row, column) ?? "").toLowerCase().includes(lower);
  }
}

function textsCompared(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** NaN is the greatest; numbers that are alike as doubles are told apart by their digits. */
function numbersCompared(a: string, b: string): number {
  const [left, right] = [Number(a), Number(b)];
  if (Number.isNaN(left)) return 1;
  if (left !== right) return left < right ? -1 : 1;
  const [exactLeft, exactRight] = [digitsOf(a), digitsOf(b)];
  if (exactLeft === null || exactRight === null) return 0;
  const scale = Math.max(exactLeft.scale, exactRight.scale);
  const [more, less] = [exactLeft, exactRight].map((one) => one.digits * 10n ** BigInt(scale - one.scale));
  return more < less ? -1 : more > less ? 1 : 0;
}

function digitsOf(text: string): { digits: bigint; scale: number } | null {
  const match = /^([+-]?\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return null;
  const fraction = match[2] ?? "";
  return { digits: BigInt(match[1].replace("+", "") + fraction), scale: fraction.length };
}

/** A time as ISO 8601 has it, in the form of the grid's. */
function sqlTime(lower: string): string {
  return lower.replace(/^(\d{4}-\d\d-\d\d)t/, "$1 ").replace(/z$/, "");
}
