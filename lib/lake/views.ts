/** Views over the lake's tables: what people ask for by name without a table of its own. */
import type { Kinds } from "../event/kinds.ts";
import { PAYMENTS_SQL, PAYMENTS_VIEW } from "../event/payments_view.ts";
import { qualifiedNames } from "../query/relations.ts";
import type { WindowDefinition } from "../stream/window_definition.ts";
import { revisionsTable } from "../stream/window_operator.ts";
import { windowViewSql } from "../stream/window_table.ts";

export interface LakeView {
  /** `stage.view` */
  name: string;
  sql: string;
  doc: string;
}

/** The views that can be asked for: a lake that is being made has one only once the tables behind it are there. */
export function viewsOver<V extends { sql: string }>(tables: ReadonlySet<string>, views: readonly V[]): V[] {
  return views.filter(({ sql }) => qualifiedNames(sql).every((name) => tables.has(name)));
}

export function lakeViews(kinds: Kinds, windows: readonly WindowDefinition[]): LakeView[] {
  const shown = windows.map((window) => ({
    name: `analytics.${window.name}`,
    sql: windowViewSql(window, kinds.get(window.over)!, revisionsTable(window.name)),
    doc: window.doc ?? `The highest revision of each window of ${window.name}.`,
  }));
  return [
    { name: PAYMENTS_VIEW, sql: PAYMENTS_SQL, doc: "Each transaction with its latest status." },
    ...shown,
  ];
}
