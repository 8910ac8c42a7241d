/**
 * Values of some columns as one text, and back: how state is looked up by user, or by user and currency.
 *
 * Text stands for itself; null, numbers and booleans begin with NUL, as does text that begins with NUL. All parts but
 * the last carry their length, so different values never share a key.
 */
import type { Cell, Row } from "../event/column.ts";

const NUL = "\0";

/** The key of `row` for `columns`, in their order; "" for none. */
export function keyOf(row: Row, columns: readonly string[]): string {
  switch (columns.length) {
    case 0:
      return "";
    case 1:
      return keyPart(row[columns[0]]);
    default: {
      const last = columns.length - 1;
      let key = "";
      for (let i = 0; i < last; i++) {
        const part = keyPart(row[columns[i]]);
        key += `${part.length}:${part}`;
      }
      return key + keyPart(row[columns[last]]);
    }
  }
}

/** The cells that `keyOf` took for `count` columns. */
export function keyCells(key: string, count: number): Cell[] {
  if (count === 0) return [];
  const cells: Cell[] = [];
  let at = 0;
  while (cells.length < count - 1) {
    const colon = key.indexOf(":", at);
    const end = colon + 1 + Number(key.slice(at, colon));
    cells.push(partCell(key.slice(colon + 1, end)));
    at = end;
  }
  cells.push(partCell(key.slice(at)));
  return cells;
}

/** One cell as text; throws for what is no plain value. */
export function keyPart(cell: Cell | undefined): string {
  if (typeof cell === "string") return cell.charCodeAt(0) === 0 ? `${NUL}s${cell}` : cell;
  if (cell === null || cell === undefined) return NUL;
  if (typeof cell === "number") return `${NUL}n${cell}`;
  if (typeof cell === "boolean") return `${NUL}b${cell ? 1 : 0}`;
  throw new TypeError("Cannot group by a list or map");
}

export function partCell(part: string): Cell {
  if (part.charCodeAt(0) !== 0) return part;
  switch (part[1]) {
    case undefined:
      return null;
    case "n":
      return Number(part.slice(2));
    case "b":
      return part[2] === "1";
    default:
      return part.slice(2);
  }
}
