/**
 * `alerts.yaml` as it is edited: looked at now and then; of a bad edit the old routes stay, and it is told once. An edit
 * counts when two looks in a row found the same: a route that was gone for the moment in which an editor writes the file
 * anew would forget how far it is.
 */
import { type Clock, elapsedMs } from "../clock.ts";
import { Fault, messageOf } from "../errors.ts";
import { type AlertRoute, readAlertsFile } from "./route.ts";

const LOOK_EVERY_MS = 2_000;

export interface RouteFileParts {
  /** The file's text; null when there is none. */
  read(): Promise<string | null>;
  /** Called with the text of each edit that counts from now on; not with what was there at the start. */
  taken(text: string | null): void;
  refused(reason: string): void;
  clock: Clock;
}

export class RouteFile {
  #routes: readonly AlertRoute[] = [];
  /** What was taken over or refused last; not yet anything at the start. */
  #judged: string | null | undefined = undefined;
  #seen: string | null = null;
  /** Why the file cannot be read; null while it can. */
  #unread: string | null = null;
  #looked_at = -Infinity;

  constructor(private readonly parts: RouteFileParts) {}

  async routes(): Promise<readonly AlertRoute[]> {
    const now = this.parts.clock.now();
    if (elapsedMs(this.#looked_at, now) < LOOK_EVERY_MS) return this.#routes;
    this.#looked_at = now;
    const isFirst = this.#judged === undefined;
    let text: string | null;
    try {
      text = await this.parts.read();
    } catch (error) {
      // At the start nobody knows which routes there are: to go on without any would forget their places.
      if (isFirst || !(error instanceof Fault)) throw error;
      if (this.#unread !== error.message) this.parts.refused(error.message);
      this.#unread = error.message;
      return this.#routes;
    }
    this.#unread = null;
    const isSettled = isFirst || text === this.#seen;
    this.#seen = text;
    if (!isSettled || text === this.#judged) return this.#routes;
    this.#judged = text;
    try {
      this.#routes = readAlertsFile(text);
      if (!isFirst) this.parts.taken(text);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.parts.refused(messageOf(error));
    }
    return this.#routes;
  }
}
