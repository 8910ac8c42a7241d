/** The bar between editor and results: drag it, or move it with the arrow keys. Its place is remembered. */
import { browserStorage } from "../shared/browser_storage.ts";
import { h } from "../shared/dom.ts";

const KEY = "millrace.split";
const [LEAST, MOST, STEP] = [15, 80, 4];

export function splitter(container: HTMLElement): HTMLElement {
  const bar = h("div", {
    role: "separator",
    class: "splitter",
    tabindex: 0,
    "aria-orientation": "horizontal",
    "aria-label": "Height of the editor",
    "aria-valuemin": LEAST,
    "aria-valuemax": MOST,
  });
  const set = (percent: number) => {
    const kept = Math.round(Math.min(MOST, Math.max(LEAST, percent)));
    container.style.setProperty("--editor-share", String(kept));
    bar.setAttribute("aria-valuenow", String(kept));
    browserStorage.setItem(KEY, String(kept));
  };
  set(Number(browserStorage.getItem(KEY)) || 32);
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -STEP, ArrowDown: STEP }[event.key];
    if (!step) return;
    event.preventDefault();
    set(Number(bar.getAttribute("aria-valuenow")) + step);
  });
  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    const above = bar.previousElementSibling?.getBoundingClientRect().top ?? 0;
    const below = container.getBoundingClientRect().bottom;
    const move = (to: PointerEvent) => set(((to.clientY - above) / (below - above)) * 100);
    bar.addEventListener("pointermove", move);
    bar.addEventListener("lostpointercapture", () => bar.removeEventListener("pointermove", move), {
      once: true,
    });
  });
  return bar;
}
