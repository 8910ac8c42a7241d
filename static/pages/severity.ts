/** How severities and states look, the same on every page. */
import { h } from "../shared/dom.ts";

const CLASSES: Readonly<Record<string, string>> = {
  low: "",
  medium: "warn",
  high: "bad",
  critical: "critical",
  ok: "good",
  ready: "good",
  degraded: "warn",
  unready: "bad",
  idle: "",
  behind: "warn",
  down: "bad",
  open: "warn",
  replayed: "good",
};

export function tag(word: string | null | undefined): HTMLElement {
  return h("span", { class: `tag ${CLASSES[word ?? ""] ?? ""}` }, word ?? "–");
}
