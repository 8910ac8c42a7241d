/** Makes the engine's client give structs without names, `(1, 2)`, as lists: by itself it keeps of each the last value alone. */
import { DuckDBListValue } from "@duckdb/node-api";
import vectors from "@duckdb/node-api/lib/vectors/DuckDBStructVector.js";

const { prototype } = vectors.DuckDBStructVector;
const named = prototype.getItem;

/** Called before an engine is opened. */
export function giveStructsExactly(): void {
  prototype.getItem = function (row) {
    const { entryNames } = this.type;
    if (entryNames[0] !== "" || !this.isItemValid(row)) return named.call(this, row);
    // The client's types know no lists here; whoever reads values takes them by what they are.
    return new DuckDBListValue(entryNames.map((_, at) => this.getItemValue(row, at))) as never;
  };
}
