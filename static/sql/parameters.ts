/** Puts values in the place of `:name` parameters, as literals that cannot be anything but values. Pure. */
import { quoteText } from "./names.ts";
import { tokensOf } from "./lexer.ts";

/** Names of the parameters in order of their first use. */
export function parametersIn(sql: string): string[] {
  return [...new Set(tokensOf(sql).filter((token) => token.kind === "parameter").map((token) => token.text))];
}

export interface BoundSql {
  sql: string;
  /** Where in the original a place of `sql` comes from. */
  toSource(offset: number): number;
}

/**
 * Nothing entered is NULL; a plain number and true or false are themselves; everything else is a text. So are digits after
 * a zero, which belong to a name: the engine makes a number of them where it is to be one.
 */
export function literalOf(value: string): string {
  if (value === "") return "NULL";
  if (/^-?(0|[1-9]\d*)(\.\d+)?$/.test(value) || /^(true|false)$/i.test(value)) return value;
  return quoteText(/^'.*'$/s.test(value) ? value.slice(1, -1) : value);
}

export function bindParameters(sql: string, values: Readonly<Record<string, string>>): BoundSql {
  const shifts: { at: number; source: number }[] = [{ at: 0, source: 0 }];
  let bound = "";
  let place = 0;
  for (const token of tokensOf(sql)) {
    if (token.kind !== "parameter") continue;
    bound += sql.slice(place, token.from);
    shifts.push({ at: bound.length, source: token.from });
    bound += literalOf(values[token.text] ?? "");
    shifts.push({ at: bound.length, source: token.to });
    place = token.to;
  }
  bound += sql.slice(place);
  const toSource = (offset: number) => {
    const at = shifts.findLastIndex((shift) => shift.at <= offset);
    const next = shifts[at + 1];
    const moved = shifts[at].source + offset - shifts[at].at;
    return next ? Math.min(moved, next.source) : moved;
  };
  return { sql: bound, toSource };
}
