/** `alerts.yaml` as it is edited: looked at now and then; of a bad edit the old routes stay, and it is told once. */
import type { Clock } from "../clock.ts";
import { Fault, messageOf } from "../errors.ts";
import { type AlertRoute, readAlertsFile } from "./route.ts";

const LOOK_EVERY_MS = 5_000;

export class RouteFile {
  #routes: readonly AlertRoute[] = [];
  #text: string | null = null;
  #looked_at = -Infinity;

  constructor(
    private readonly parts: { read(): Promise<string | null>; refused(reason: string): void; clock: Clock },
  ) {}

  async routes(): Promise<readonly AlertRoute[]> {
    const now = this.parts.clock.now();
    if (now - this.#looked_at < LOOK_EVERY_MS) return this.#routes;
    this.#looked_at = now;
    const text = await this.parts.read();
    if (text === this.#text) return this.#routes;
    this.#text = text;
    try {
      this.#routes = readAlertsFile(text);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.parts.refused(messageOf(error));
    }
    return this.#routes;
  }
}
