/** Sorting and filtering of any number of rows without moving them: an order of row numbers. Yields to the page in between. */

/** What is needed of a column to sort by it. */
export interface SortableColumn {
  rowCount: number;
  /** Comparable value; null sorts last in both directions. */
  key(row: number): number | bigint | string | null;
}

const ROWS_A_TURN = 50_000;

/** Row numbers in ascending or descending order of the keys; equal keys keep their order. Rejects when aborted. */
export async function sortedOrder(
  column: SortableColumn,
  from: Uint32Array | null,
  isDescending: boolean,
  signal: AbortSignal,
): Promise<Uint32Array> {
  const order = from ?? Uint32Array.from({ length: column.rowCount }, (_, row) => row);
  const keys = new Array<number | bigint | string | null>(column.rowCount);
  for (const [at, row] of order.entries()) {
    keys[row] = column.key(row);
    if (at % ROWS_A_TURN === ROWS_A_TURN - 1) await turn(signal);
  }
  const sign = isDescending ? -1 : 1;
  return order.slice().sort((a, b) => {
    const [left, right] = [keys[a], keys[b]];
    if (left === right) return a - b;
    if (left === null) return 1;
    if (right === null) return -1;
    return sign * compared(left, right) || a - b;
  });
}

/** NaN is the greatest number, as it is for the engine. */
function compared(left: number | bigint | string, right: number | bigint | string): number {
  const [isLeftNaN, isRightNaN] = [Number.isNaN(left), Number.isNaN(right)];
  if (isLeftNaN || isRightNaN) return Number(isLeftNaN) - Number(isRightNaN);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Row numbers that `matches` says yes to, in their order. Rejects when aborted. */
export async function filteredOrder(
  rowCount: number,
  matches: (row: number) => boolean,
  signal: AbortSignal,
): Promise<Uint32Array> {
  const kept = new Uint32Array(rowCount);
  let count = 0;
  for (let row = 0; row < rowCount; row++) {
    if (matches(row)) kept[count++] = row;
    if (row % ROWS_A_TURN === ROWS_A_TURN - 1) await turn(signal);
  }
  return kept.slice(0, count);
}

/** Gives the page time to draw and to hear a key. */
async function turn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
}
