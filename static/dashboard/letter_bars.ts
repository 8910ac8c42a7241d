/** Dead letters by reason as bars of one length scale; the numbers stand beside them. */
import type { Rows } from "../engine/result.ts";
import { h, replace } from "../shared/dom.ts";
import { count, plural, rate } from "../shared/format.ts";
import { hashOf } from "../shared/place.ts";

/** Of rows with a reason and its count, most first. */
export function drawLetters(place: HTMLElement, rows: Rows): void {
  const reasons = Array.from({ length: rows.rowCount }, (_, row) => ({
    reason: rows.text(row, 0) ?? "–",
    amount: Number(rows.text(row, 1)),
  }));
  if (reasons.length === 0) return replace(place, h("p", { class: "muted" }, "None in this time."));
  const most = reasons[0].amount;
  replace(
    place,
    h("div", { class: "bars" }, ...reasons.map((one) => letterBar(one.reason, one.amount, most))),
    h("p", { class: "chart-summary" }, letterSentence(reasons)),
  );
}

function letterBar(reason: string, amount: number, most: number): HTMLElement {
  const bar = h("span", { class: "bar", "aria-hidden": "true" });
  bar.style.width = `${Math.max(2, (amount / most) * 100)}%`;
  return h(
    "a",
    { class: "bar-row", href: hashOf("dead-letters") },
    h("span", {}, reason),
    h("span", { class: "bar-track" }, bar),
    h("b", { class: "number" }, count(amount)),
  );
}

/** How many there are in the range, and what most of them are. Pure. */
export function letterSentence(reasons: readonly { reason: string; amount: number }[]): string {
  const total = reasons.reduce((sum, { amount }) => sum + amount, 0);
  const [{ reason, amount }] = reasons;
  const share = total === 1 ? `: ${reason}` : `; ${rate((amount / total) * 100)} % are ${reason}`;
  return `${plural(total, "letter")} in this time${share}.`;
}
