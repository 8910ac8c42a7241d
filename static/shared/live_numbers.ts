/** Writes the newest live numbers into every element that carries `data-metric`, and the stream's state beside them. */
import { count, rate } from "./format.ts";
import type { LiveState, LiveStream } from "./live.ts";

const WORDS: Readonly<Record<LiveState, string>> = {
  connecting: "connecting",
  live: "live",
  stale: "stale",
  paused: "paused",
};

export function showLiveNumbers(live: LiveStream): void {
  let isWaiting = false;
  live.addEventListener("change", () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      write(live);
    });
  });
}

function write(live: LiveStream): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-metric]")) {
    if (element.closest(".is-paused")) continue;
    const name = element.dataset.metric ?? "";
    const value = live.payload.metrics[name];
    const text = /_per_second$|_seconds$/.test(name) ? rate(value) : count(value);
    if (element.textContent !== text) element.textContent = text;
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-live]")) {
    element.dataset.live = live.state;
    const word = element.querySelector("[data-live-word]");
    if (word) word.textContent = WORDS[live.state];
  }
}
