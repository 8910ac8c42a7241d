/** The row of query tabs: switch, open, close, rename by double click or F2. */
import { h, icon, ICONS, replace } from "../shared/dom.ts";
import type { QueryTab, TabStore } from "./tab_store.ts";

export function tabBar(store: TabStore): HTMLElement {
  const list = h("div", { role: "tablist", class: "query-tabs", "aria-label": "Queries" });
  const add = h("button", {
    type: "button",
    class: "icon-button",
    "aria-label": "New query",
    title: "New query",
    on: { click: () => store.open("") },
  }, icon(ICONS.plus));
  const draw = () => {
    replace(list, ...store.tabs.map((tab) => tabElement(store, tab)));
    // Once it has its place on the screen.
    requestAnimationFrame(() => showActive(list));
  };
  store.addEventListener("change", draw);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = store.tabs.indexOf(store.active);
    store.activate(store.tabs[(at + step + store.tabs.length) % store.tabs.length].id);
    focusActive(list);
  });
  draw();
  return h("div", { class: "query-tab-row" }, list, add);
}

/** Scrolls the row alone, and not the page. */
function showActive(list: Element): void {
  const tab = list.querySelector(".is-active")?.getBoundingClientRect();
  if (!tab) return;
  const row = list.getBoundingClientRect();
  list.scrollLeft += tab.left + tab.width / 2 - row.left - row.width / 2;
}

function focusActive(list: Element | null): void {
  list?.querySelector<HTMLElement>("[aria-selected=true]")?.focus();
}

function tabElement(store: TabStore, tab: QueryTab): HTMLElement {
  const isActive = tab === store.active;
  const title = h("span", { class: "query-tab-title" }, tab.title);
  const close = h("button", {
    type: "button",
    class: "query-tab-close",
    "aria-label": `Close ${tab.title}`,
    tabindex: isActive ? 0 : -1,
    on: {
      click: (event) => {
        event.stopPropagation();
        store.close(tab.id);
      },
    },
  }, icon(ICONS.close));
  const element = h(
    "div",
    {
      role: "tab",
      class: "query-tab",
      "aria-selected": String(isActive),
      tabindex: isActive ? 0 : -1,
      title: tab.as_of ? `as of ${tab.as_of}` : "Double click renames",
      on: {
        click: () => store.activate(tab.id),
        dblclick: () => rename(store, tab, title),
        keydown: (event) => {
          if (event.key === "F2") rename(store, tab, title);
          if (event.key === "Delete") store.close(tab.id);
        },
      },
    },
    tab.as_of ? icon(ICONS.clock) : null,
    title,
  );
  // The close button stands beside the tab, not in it: a tab may hold no other control.
  return h(
    "div",
    { role: "presentation", class: `query-tab-box${isActive ? " is-active" : ""}` },
    element,
    close,
  );
}

function rename(store: TabStore, tab: QueryTab, title: HTMLElement): void {
  const input = h("input", { class: "query-tab-input", value: tab.title, "aria-label": "Name of the query" });
  const done = () => store.rename(tab.id, input.value);
  input.addEventListener("blur", done, { once: true });
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Enter" && event.key !== "Escape") return;
    if (event.key === "Escape") input.value = tab.title;
    // The bar is drawn anew, and the focus would go with the input.
    const list = input.closest("[role=tablist]");
    input.blur();
    focusActive(list);
  });
  title.replaceWith(input);
  input.select();
}
