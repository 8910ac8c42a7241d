/** The query tabs of this browser: their texts and moments, kept across reloads. */

export interface QueryTab {
  id: string;
  title: string;
  text: string;
  /** Time travel of this tab: ISO 8601 with Z, or null for now. */
  as_of: string | null;
  /** What was entered for the parameters. */
  values?: Record<string, string>;
  /** The text came with the page and was never changed. */
  isStarter?: boolean;
}

interface Saved {
  active: string;
  tabs: QueryTab[];
}

const KEY = "millrace.tabs";
const MAX_TABS = 40;

/** What the query of the first screen reads. */
export const STARTER_TABLE = "processed.transactions";
export const STARTER_TEXT = `-- Newest transactions. Ctrl+Enter runs the statement at the cursor.
SELECT event_time, user_id, amount, currency, status, merchant_name
FROM ${STARTER_TABLE}
ORDER BY event_time DESC
LIMIT 200;
`;

/** Emits `change` when tabs came, went or were renamed, `switch` when another became active. */
export class TabStore extends EventTarget {
  tabs: QueryTab[];
  active: QueryTab;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly storage: Storage) {
    super();
    const saved = read(storage);
    this.tabs = saved?.tabs ?? [starterTab()];
    this.active = this.tabs.find((tab) => tab.id === saved?.active) ?? this.tabs[0];
  }

  open(text: string, title?: string, options: { as_of?: string | null } = {}): QueryTab {
    const tab: QueryTab = {
      id: freshId(),
      title: title ?? this.#freeTitle(),
      text,
      as_of: options.as_of ?? null,
    };
    this.tabs.push(tab);
    if (this.tabs.length > MAX_TABS) this.tabs.shift();
    this.activate(tab.id);
    return tab;
  }

  activate(id: string): void {
    const tab = this.tabs.find((one) => one.id === id);
    if (!tab) return;
    this.active = tab;
    this.#changed();
    this.dispatchEvent(new Event("switch"));
  }

  close(id: string): void {
    const at = this.tabs.findIndex((one) => one.id === id);
    if (at < 0) return;
    this.tabs.splice(at, 1);
    if (this.tabs.length === 0) this.tabs.push({ id: freshId(), title: "Query 1", text: "", as_of: null });
    if (this.active.id === id) this.activate(this.tabs[Math.min(at, this.tabs.length - 1)].id);
    else this.#changed();
  }

  rename(id: string, title: string): void {
    const tab = this.tabs.find((one) => one.id === id);
    if (tab && title.trim() !== "") tab.title = title.trim().slice(0, 60);
    this.#changed();
  }

  setText(text: string): void {
    if (this.active.text === text) return;
    this.active.text = text;
    this.active.isStarter = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), 300);
  }

  setMoment(as_of: string | null): void {
    this.active.as_of = as_of;
    this.#changed();
  }

  save(): void {
    const saved: Saved = { active: this.active.id, tabs: this.tabs };
    try {
      this.storage.setItem(KEY, JSON.stringify(saved));
    } catch (error) {
      console.warn("Cannot keep the tabs: the browser's storage is full or closed", error);
    }
  }

  #changed(): void {
    this.save();
    this.dispatchEvent(new Event("change"));
  }

  #freeTitle(): string {
    for (let n = 1;; n++) {
      if (!this.tabs.some((tab) => tab.title === `Query ${n}`)) return `Query ${n}`;
    }
  }
}

function starterTab(): QueryTab {
  return { id: freshId(), title: "Query 1", text: STARTER_TEXT, as_of: null, isStarter: true };
}

function freshId(): string {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
}

function read(storage: Storage): Saved | null {
  const text = storage.getItem(KEY);
  if (!text) return null;
  try {
    const saved = JSON.parse(text) as Saved;
    const tabs = saved.tabs.filter((tab) => typeof tab.text === "string" && typeof tab.title === "string");
    return tabs.length > 0 ? { active: saved.active, tabs } : null;
  } catch {
    // A text that we did not write: begin anew.
    return null;
  }
}
