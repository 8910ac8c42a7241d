/** The button that shows and hides the list of tables; on a small screen it begins hidden. */
import { h, icon, ICONS, replace } from "../shared/dom.ts";

const SMALL_PX = 760;

export function sideToggle(side: HTMLElement): HTMLElement {
  const toggle = h("button", {
    type: "button",
    class: "icon-button side-toggle",
    "aria-controls": side.id,
    title: "Tables",
  }, icon(ICONS.table));
  const set = (isOpen: boolean) => {
    side.hidden = !isOpen;
    toggle.setAttribute("aria-expanded", String(isOpen));
    toggle.setAttribute("aria-label", isOpen ? "Hide the tables" : "Show the tables");
  };
  toggle.addEventListener("click", () => set(side.hasAttribute("hidden")));
  set(innerWidth > SMALL_PX);
  replace(toggle, icon(ICONS.table));
  return toggle;
}
