/** The engine's plan of the statement at the cursor, as it draws it; optionally with what each step took. */
import { messageOf } from "../../lib/errors.ts";
import { collect, textRows } from "../engine/collect.ts";
import { openDialog } from "../shared/dialog.ts";
import { h } from "../shared/dom.ts";
import { sentenceOf } from "./fault_place.ts";
import type { Workbench } from "./workbench.ts";

export async function explain(bench: Workbench, how: "EXPLAIN" | "EXPLAIN ANALYZE"): Promise<void> {
  const [statement] = bench.statements("cursor");
  if (!statement) return;
  const plan = h("pre", { class: "plan", tabindex: 0 }, "Planning…");
  const stop = new AbortController();
  const measure = h("button", { type: "button", class: "button" }, "Run it and measure each step");
  const dialog = openDialog(
    how === "EXPLAIN" ? "Plan" : "Plan with measures",
    how === "EXPLAIN" ? measure : "",
    plan,
  );
  dialog.classList.add("wide");
  dialog.addEventListener("close", () => stop.abort());
  measure.addEventListener("click", () => {
    dialog.close();
    explain(bench, "EXPLAIN ANALYZE");
  });
  try {
    const sql = `${how} ${statement.text.replace(/^explain\s+(analyze\s+)?/i, "")}`;
    const rows = await bench.session.exclusive(async () => {
      await bench.lake.prepare(sql, { as_of: bench.tabs.active.as_of }, stop.signal);
      return textRows(await collect(bench.session, sql, stop.signal));
    });
    plan.textContent = rows.map((row) => row[1] ?? "").join("\n");
  } catch (error) {
    plan.textContent = sentenceOf(messageOf(error));
  }
}
