/** Where a key takes the active cell of a grid, and what is selected between two cells. Pure. */

export interface Place {
  row: number;
  column: number;
}

export interface CellRange {
  rows: [number, number];
  columns: [number, number];
}

export interface GridShape {
  rows: number;
  columns: number;
  /** Rows that a page key passes. */
  page: number;
}

/** The place after a key, inside the grid; null for keys that do not move. */
export function moved(from: Place, key: string, isFar: boolean, shape: GridShape): Place | null {
  const { row, column } = from;
  const to: Record<string, Place> = {
    ArrowDown: { row: isFar ? Infinity : row + 1, column },
    ArrowUp: { row: isFar ? 0 : row - 1, column },
    ArrowRight: { row, column: isFar ? Infinity : column + 1 },
    ArrowLeft: { row, column: isFar ? 0 : column - 1 },
    PageDown: { row: row + shape.page, column },
    PageUp: { row: row - shape.page, column },
    Home: { row: isFar ? 0 : row, column: 0 },
    End: { row: isFar ? Infinity : row, column: Infinity },
  };
  return Object.hasOwn(to, key) ? inside(to[key], shape) : null;
}

export function inside(place: Place, shape: GridShape): Place {
  return {
    row: Math.max(0, Math.min(shape.rows - 1, place.row)),
    column: Math.max(0, Math.min(shape.columns - 1, place.column)),
  };
}

export function between(a: Place, b: Place): CellRange {
  return {
    rows: [Math.min(a.row, b.row), Math.max(a.row, b.row)],
    columns: [Math.min(a.column, b.column), Math.max(a.column, b.column)],
  };
}

export function isOneCell({ rows, columns }: CellRange): boolean {
  return rows[0] === rows[1] && columns[0] === columns[1];
}

export function holds({ rows, columns }: CellRange, row: number, column: number): boolean {
  return row >= rows[0] && row <= rows[1] && column >= columns[0] && column <= columns[1];
}
