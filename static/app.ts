/** The entry of the page: the bar on top, the live numbers, and which page stands in the middle. Pages load when asked for. */
import { messageOf } from "../lib/errors.ts";
import { call, Unreachable } from "./shared/api.ts";
import { h, icon, ICONS, replace } from "./shared/dom.ts";
import { LiveStream } from "./shared/live.ts";
import { showLiveNumbers } from "./shared/live_numbers.ts";
import { hashOf, pageOf } from "./shared/place.ts";
import { listenForHelp } from "./shared/help.ts";
import { showLogOut } from "./shared/session.ts";
import { startTheme } from "./shared/theme.ts";
import { faultNotice, type HandedQuery, type PageContext, type ShowPage } from "./shared/page.ts";

const PAGES: Readonly<Record<string, () => Promise<{ show: ShowPage }>>> = {
  sql: () => import("./editor/sql_page.ts"),
  dashboard: () => import("./dashboard/dashboard_page.ts"),
  "dead-letters": () => import("./pages/dead_letters_page.ts"),
  alerts: () => import("./pages/alerts_page.ts"),
  rules: () => import("./pages/rules_page.ts"),
  tables: () => import("./pages/tables_page.ts"),
  operations: () => import("./pages/operations_page.ts"),
};

/** Queries on their way from a page to the editor. */
const handed: HandedQuery[] = [];
const live = new LiveStream("/api/live");
const context: PageContext = {
  live,
  openQuery(query) {
    handed.push(query);
    if (pageOf(location.hash).page === "sql") navigate();
    else location.hash = hashOf("sql");
  },
  takeQuery: () => handed.shift() ?? null,
};
const main = document.getElementById("main") as HTMLElement;
/** The SQL page stays alive in the background: its queries, results and engine are dear. */
const kept = new Map<string, HTMLElement>();
let leave: AbortController | null = null;

async function navigate(): Promise<void> {
  const { page } = pageOf(location.hash);
  const name = Object.hasOwn(PAGES, page) ? page : "sql";
  markCurrent(name);
  leave?.abort();
  // One that the way back in the browser's history has left behind.
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  const stay = new AbortController();
  leave = stay;
  const before = kept.get(name);
  if (before) {
    replace(main, before);
    before.dispatchEvent(new CustomEvent("page-shown"));
    return;
  }
  const place = h("div", { class: `page page-${name}` });
  try {
    const { show } = await loaded(name);
    if (stay.signal.aborted) return;
    replace(main, place);
    scrollTo(0, 0);
    if (name === "sql") kept.set(name, place);
    await show(place, context, name === "sql" ? new AbortController().signal : stay.signal);
  } catch (error) {
    if (stay.signal.aborted) return;
    kept.delete(name);
    if (error instanceof Unreachable) navigateWhenLive(stay.signal);
    const more = error instanceof Unreachable ? "The page comes by itself as soon as it can." : "";
    replace(main, h("div", { class: "page page-fault" }, faultNotice(error, more)));
  }
}

/** Browsers do not say why a script cannot be fetched: a call tells whether the server is away or wants a login. */
async function loaded(name: string): Promise<{ show: ShowPage }> {
  try {
    return await PAGES[name]();
  } catch (error) {
    if (error instanceof TypeError) await call("/");
    throw new Error(`This part of the page cannot be loaded; a reload may help: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The live stream is the first to know that the server is back. */
function navigateWhenLive(signal: AbortSignal): void {
  const changed = () => live.state === "live" && navigate();
  live.addEventListener("change", changed, { signal });
}

function markCurrent(name: string): void {
  for (const link of document.querySelectorAll<HTMLElement>("nav.pages a")) {
    const isCurrent = link.dataset.page === name;
    link.toggleAttribute("aria-current", isCurrent);
    if (isCurrent) {
      link.setAttribute("aria-current", "page");
      // On a small screen the row of pages is wider than the screen.
      link.scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" });
      document.title = `${link.textContent} · Millrace`;
    }
    link.hidden = !((link.dataset.page ?? "") in PAGES);
  }
}

showLiveNumbers(live);
startTheme(document.querySelector("[data-theme-toggle]") as HTMLButtonElement, {
  system: () => icon(ICONS.system),
  light: () => icon(ICONS.sun),
  dark: () => icon(ICONS.moon),
});
addEventListener("hashchange", () => navigate());
const logOut = document.querySelector("[data-log-out]") as HTMLButtonElement;
logOut.append(icon(ICONS.leave));
showLogOut(logOut);
listenForHelp(document.querySelector("[data-help]") as HTMLElement);
live.start();
navigate();
