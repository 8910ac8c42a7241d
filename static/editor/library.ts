/** What this browser remembers of queries: a history of everything that ran, and what was saved by name. */
import type { KeptTexts } from "../shared/browser_storage.ts";

export interface PastQuery {
  sql: string;
  /** Milliseconds since 1970. */
  at: number;
  elapsed_ms: number;
  /** Null when it failed. */
  rows: number | null;
}

export interface SavedQuery {
  name: string;
  sql: string;
  at: number;
}

const HISTORY_KEY = "millrace.history";
const SAVED_KEY = "millrace.saved";
const MAX_HISTORY = 300;
const MAX_SQL = 20_000;

export class Library {
  constructor(readonly storage: KeptTexts) {}

  get history(): readonly PastQuery[] {
    return read<PastQuery>(this.storage, HISTORY_KEY);
  }

  /** Newest first; the same text again only moves to the front. */
  remember(query: PastQuery): void {
    if (query.sql.length > MAX_SQL) return;
    const others = this.history.filter((one) => one.sql !== query.sql);
    this.#write(HISTORY_KEY, [query, ...others].slice(0, MAX_HISTORY));
  }

  forgetHistory(): void {
    this.storage.removeItem(HISTORY_KEY);
  }

  get saved(): readonly SavedQuery[] {
    return read<SavedQuery>(this.storage, SAVED_KEY);
  }

  /** False when the browser cannot keep it. */
  save(query: SavedQuery): boolean {
    const others = this.saved.filter((one) => one.name !== query.name);
    return this.#write(SAVED_KEY, [...others, query].sort((a, b) => a.name.localeCompare(b.name)));
  }

  remove(name: string): void {
    this.#write(SAVED_KEY, this.saved.filter((one) => one.name !== name));
  }

  #write(key: string, items: readonly unknown[]): boolean {
    return this.storage.setItem(key, JSON.stringify(items));
  }
}

function read<T extends { sql: string }>(storage: KeptTexts, key: string): T[] {
  try {
    const items: unknown = JSON.parse(storage.getItem(key) ?? "[]");
    return Array.isArray(items) ? items.filter((one): one is T => typeof one?.sql === "string") : [];
  } catch {
    // A text that we did not write counts as none.
    return [];
  }
}
