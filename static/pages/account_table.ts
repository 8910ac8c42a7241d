/** The conservation equation, source by source: accepted = rows + duplicates + dead letters + unmapped + in flight. */
import { dataTable } from "../shared/data_table.ts";
import { h } from "../shared/dom.ts";
import { count } from "../shared/format.ts";
import type { LiveAccount } from "../shared/live.ts";

export function accountTable(accounts: readonly LiveAccount[]): HTMLElement {
  return dataTable<LiveAccount>(
    [
      { name: "Source", cell: (one) => one.source },
      { name: "Accepted", cell: (one) => count(one.accepted), isNumber: true },
      { name: "= rows", cell: (one) => count(one.rows), isNumber: true },
      { name: "+ duplicates", cell: (one) => count(one.duplicates), isNumber: true },
      { name: "+ dead letters", cell: (one) => count(one.dead_letters), isNumber: true },
      { name: "+ unmapped", cell: (one) => count(one.unmapped), isNumber: true },
      { name: "+ in flight", cell: (one) => count(one.in_flight), isNumber: true },
      { name: "Holds", cell: holds },
    ],
    accounts,
    { caption: "Accounting by source", empty: "No events yet." },
  );
}

function holds(account: LiveAccount): HTMLElement {
  return account.holds ? h("span", { class: "tag good" }, "yes") : h("span", { class: "tag bad" }, "no");
}
