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
  const lower = wanted.toLowerCase();
  const number = rows.columns[column].kind === "number" ? Number(wanted) : NaN;
  const compare = (row: number): number | null => {
    const text = rows.text(row, column);
    if (text === null) return null;
    if (!Number.isNaN(number)) return Number(text) - number;
    return text.toLowerCase() < lower ? -1 : text.toLowerCase() > lower ? 1 : 0;
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
