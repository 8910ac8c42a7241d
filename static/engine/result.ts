/** The rows of one statement: Arrow batches as they came, read cell by cell, so that a million rows cost no copy. */
import type { RecordBatch, Schema } from "./arrow.ts";
import { type Cell, cellText, type ColumnKind, kindOf, readCell, sqlType } from "./values.ts";

export interface ResultColumn {
  name: string;
  /** SQL's name of the type. */
  type: string;
  kind: ColumnKind;
}

/** Rows as every part of the page reads them, whoever computed them. */
export interface Rows {
  readonly columns: readonly ResultColumn[];
  readonly rowCount: number;
  readonly truncated: boolean;
  cell(row: number, column: number): Cell;
  /** Text of a cell; null for NULL. */
  text(row: number, column: number): string | null;
}

export class Result implements Rows {
  readonly columns: readonly ResultColumn[];
  rowCount = 0;
  /** Rows were left out because the page's limit was reached. */
  truncated = false;
  #batches: RecordBatch[] = [];
  /** First row of each batch. */
  #starts: number[] = [];
  #last = 0;

  constructor(readonly schema: Schema) {
    this.columns = schema.fields.map((field) => ({
      name: field.name,
      type: sqlType(field.type),
      kind: kindOf(field.type),
    }));
  }

  add(batch: RecordBatch): void {
    if (batch.numRows === 0) return;
    this.#starts.push(this.rowCount);
    this.#batches.push(batch);
    this.rowCount += batch.numRows;
  }

  /** Adds what still fits under `limit` rows; false, and `truncated`, when there was more. */
  addUpTo(batch: RecordBatch, limit: number): boolean {
    const room = limit - this.rowCount;
    this.truncated = batch.numRows > room;
    this.add(this.truncated ? batch.slice(0, room) : batch);
    return !this.truncated;
  }

  get batches(): readonly RecordBatch[] {
    return this.#batches;
  }

  cell(row: number, column: number): Cell {
    const at = this.#batchOf(row);
    return readCell(this.#batches[at].data.children[column], row - this.#starts[at]);
  }

  text(row: number, column: number): string | null {
    const cell = this.cell(row, column);
    return cell === null ? null : cellText(cell);
  }

  /** The batch that holds a row; rows are mostly asked for in order, so the last answer is tried first. */
  #batchOf(row: number): number {
    const fits = (at: number) =>
      row >= this.#starts[at] && (at + 1 === this.#starts.length || row < this.#starts[at + 1]);
    if (fits(this.#last)) return this.#last;
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= row) low = middle;
      else high = middle - 1;
    }
    this.#last = low;
    return low;
  }
}
