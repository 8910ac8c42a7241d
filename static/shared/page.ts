/** What every page is: a function that fills its place and stops what it started when the signal says so. */
import type { LiveStream } from "./live.ts";

export interface PageContext {
  live: LiveStream;
}

export type ShowPage = (
  place: HTMLElement,
  context: PageContext,
  signal: AbortSignal,
) => Promise<void> | void;
