/** What every page is: a function that fills its place and stops what it started when the signal says so. */
import { messageOf } from "../../lib/errors.ts";
import { h } from "./dom.ts";
import type { LiveStream } from "./live.ts";

/** A query that another page hands to the editor. */
export interface HandedQuery {
  title: string;
  sql: string;
  as_of?: string | null;
}

export interface PageContext {
  live: LiveStream;
  /** Goes to the editor with a new tab; the query was made by the page, so it runs at once. */
  openQuery(query: HandedQuery): void;
  /** What was handed over and is not opened yet; the editor takes it when it is shown. */
  takeQuery(): HandedQuery | null;
}

export type ShowPage = (
  place: HTMLElement,
  context: PageContext,
  signal: AbortSignal,
) => Promise<void> | void;

/** The heading of a page with a sentence and its controls. */
export function pageHead(title: string, sentence: string, ...controls: Node[]): HTMLElement {
  return h(
    "header",
    { class: "page-head" },
    h("div", { class: "page-title" }, h("h1", {}, title), h("p", { class: "muted" }, sentence)),
    h("div", { class: "page-controls" }, ...controls),
  );
}

export function card(title: string, ...content: Node[]): HTMLElement {
  return h(
    "section",
    { class: "card", "aria-label": title },
    h("h2", { class: "card-title" }, title),
    ...content,
  );
}

/** Beside a fault of something that the page asks again and again. */
export const TRIED_AGAIN = "It is tried again by itself.";

/** Says in the place of the content that it cannot be shown, and what follows. */
export function faultNotice(error: unknown, more = ""): HTMLElement {
  const message = messageOf(error);
  const full = more === "" || /[.!?]$/.test(message) ? message : `${message}.`;
  return h("p", { class: "notice bad", role: "alert" }, `${full} ${more}`.trim());
}

/** Does `work` now and then every `period_ms` until the signal; a round that takes longer is not doubled. */
export function repeat(work: () => Promise<void>, period_ms: number, signal: AbortSignal): void {
  const round = async () => {
    if (signal.aborted) return;
    if (!document.hidden) await work();
    if (!signal.aborted) setTimeout(round, period_ms);
  };
  round();
}
