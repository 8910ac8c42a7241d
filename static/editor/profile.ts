/** A column at a glance: how many values, how many differ, least and greatest, and the most frequent ones. */
import { messageOf } from "../../lib/errors.ts";
import { collect, textRows } from "../engine/collect.ts";
import type { TableInfo } from "../engine/lake.ts";
import { dataTable } from "../shared/data_table.ts";
import { openDialog } from "../shared/dialog.ts";
import { h, replace } from "../shared/dom.ts";
import { count } from "../shared/format.ts";
import { quoteIdentifier } from "../sql/names.ts";
import { sentenceOf } from "./fault_place.ts";
import type { Workbench } from "./workbench.ts";

export async function profileColumn(bench: Workbench, table: TableInfo, column: string): Promise<void> {
  const body = h("div", { class: "profile" }, h("p", { class: "loading" }, "Reading the column…"));
  const stop = new AbortController();
  openDialog(`${table.name}.${column}`, body).addEventListener("close", () => stop.abort());
  const name = quoteIdentifier(column);
  const facts =
    `SELECT count(*), count(${name}), approx_count_distinct(${name}), min(${name})::VARCHAR, max(${name})::VARCHAR
    FROM ${table.name}`;
  const top =
    `SELECT ${name}::VARCHAR, count(*) AS n FROM ${table.name} GROUP BY 1 ORDER BY n DESC, 1 LIMIT 10`;
  try {
    const [[row], values] = await bench.session.exclusive(async () => {
      await bench.lake.prepare(facts, { as_of: bench.tabs.active.as_of }, stop.signal);
      const one = textRows(await collect(bench.session, facts, stop.signal));
      return [one, textRows(await collect(bench.session, top, stop.signal))];
    });
    replace(body, factList(row), topTable(values, Number(row[0])));
  } catch (error) {
    replace(
      body,
      h(
        "p",
        { class: "notice bad", role: "alert" },
        sentenceOf(messageOf(error)),
      ),
    );
  }
}

function factList([rows, values, distinct, least, greatest]: (string | null)[]): HTMLElement {
  const missing = Number(rows) - Number(values);
  const share = Number(rows) > 0 ? ` (${((missing / Number(rows)) * 100).toFixed(1)} %)` : "";
  const facts: [string, string][] = [
    ["Rows", count(rows)],
    ["NULL", count(missing) + share],
    ["Different values", `about ${count(distinct)}`],
    ["Least", least ?? "–"],
    ["Greatest", greatest ?? "–"],
  ];
  return h(
    "dl",
    { class: "facts" },
    ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

function topTable(values: readonly (string | null)[][], rows: number): HTMLElement {
  return dataTable<(string | null)[]>(
    [
      { name: "Most frequent", cell: (one) => one[0] ?? "NULL" },
      { name: "Rows", cell: (one) => count(one[1]), isNumber: true },
      {
        name: "Share",
        cell: (one) => `${((Number(one[1]) / Math.max(1, rows)) * 100).toFixed(1)} %`,
        isNumber: true,
      },
    ],
    values,
    { caption: "Most frequent values", empty: "No rows." },
  );
}
