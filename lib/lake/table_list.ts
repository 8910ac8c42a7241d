/**
 * Which tables are kept: those of the configuration as it is now, and those that decided rows still name.
 *
 * Windows and kinds come and go in the configuration while their rows are on the way. A new table is made as soon as
 * somebody's rows ask for it; a table that is no longer configured takes what was decided for it, in a plain layout.
 */
import { type Clock, elapsedMs } from "../clock.ts";
import { Fault, messageOf } from "../errors.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { currentSchema, currentSpec } from "../iceberg/metadata.ts";
import type { Decided } from "./publisher.ts";
import { parseTableKey, tableKey } from "./table_key.ts";
import type { TableLayout, TableSpec } from "./tables.ts";

export interface TableListParts {
  catalog: Catalog;
  clock: Clock;
  /** The tables as configured now. */
  configured(): Promise<readonly TableSpec[]>;
  /** Makes what does not exist yet, and adds the columns that are new. */
  ensure(specs: readonly TableSpec[]): Promise<void>;
  warn(message: string): void;
}

/** A name that nobody knows is asked about again, but not each second. */
const ASK_EVERY_MS = 10_000;

export class TableList {
  readonly #layouts = new Map<string, TableLayout>();
  #asked_at = -Infinity;

  constructor(private readonly parts: TableListParts) {}

  /** All tables that are known so far. */
  get layouts(): TableLayout[] {
    return [...this.#layouts.values()];
  }

  async refresh(): Promise<void> {
    const specs = await this.parts.configured();
    await this.parts.ensure(specs);
    for (const spec of specs) this.#layouts.set(spec.key, spec);
  }

  /** Gets to know the tables that `decided` names. */
  async meet(decided: Decided): Promise<TableLayout[]> {
    const { clock, warn } = this.parts;
    const isStrange = (key: string) => !this.#layouts.has(key);
    const isAsked = elapsedMs(this.#asked_at, clock.now()) < ASK_EVERY_MS;
    if (!namesOf(decided).some(isStrange) || isAsked) return this.layouts;
    this.#asked_at = clock.now();
    try {
      await this.refresh();
    } catch (error) {
      // The file is told by who owns it; what is in the lake already can be kept all the same.
      if (!(error instanceof Fault)) throw error;
      warn(`the configuration is refused: ${messageOf(error)}`);
    }
    for (const key of namesOf(decided).filter(isStrange)) await this.#adopt(key);
    return this.layouts;
  }

  async #adopt(key: string): Promise<void> {
    const table = await this.parts.catalog.load(parseTableKey(key));
    if (table) this.#layouts.set(key, plainLayout(table));
    else this.parts.warn(`rows for ${key} wait: it is neither configured nor a table of the lake`);
  }
}

/** The layout of a table that nobody configures. */
export function plainLayout({ name, metadata }: LoadedTable): TableLayout {
  const { fields } = currentSchema(metadata);
  const day = currentSpec(metadata).fields.find((field) => field.transform === "day");
  const day_column = fields.find((field) => field.id === day?.["source-id"])?.name ?? null;
  return { key: tableKey(name), day_column, order_by: day_column === null ? [] : [day_column] };
}

/** Every table that a partition ever had rows for stands in the totals of its newest checkpoint. */
function namesOf(decided: Decided): string[] {
  return [...new Set([...decided.values()].flatMap((chain) => Object.keys(chain.at(-1)?.totals ?? {})))];
}
