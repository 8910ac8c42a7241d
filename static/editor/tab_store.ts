/**
 * The query tabs of this browser: their texts and moments, kept across reloads.
 *
 * Windows share one storage. Each writes what it changed and leaves the rest as another window left it; a tab that two have
 * changed becomes two, so that nobody's text takes the place of somebody else's.
 */
import type { KeptTexts } from "../shared/browser_storage.ts";

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
  /** The text is as it was opened: nothing is lost with the tab that is not to be had again. */
  isAsOpened?: boolean;
}

interface Saved {
  active: string;
  tabs: QueryTab[];
}

const KEY = "millrace.tabs";
/** Beyond, tabs whose text is as it was opened make room; others stay until they are closed. */
const MAX_TABS = 40;

/** What the query of the first screen reads. */
export const STARTER_TABLE = "processed.transactions";
export const STARTER_TEXT = `-- Newest transactions. Ctrl+Enter runs the statement at the cursor.
SELECT event_time, user_id, amount, currency, status, merchant_name
FROM ${STARTER_TABLE}
ORDER BY event_time DESC
LIMIT 200;
`;

/** Emits `change` when tabs came, went or were renamed, `switch` when another became active, `unkept` when the browser cannot keep them. */
export class TabStore extends EventTarget {
  tabs: QueryTab[];
  active: QueryTab;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What each tab held when this window read or wrote it last, also of tabs that it has closed; by the id in the storage. */
  #known = new Map<string, string>();
  /** Ids in the storage of tabs whose own id another window went on with. */
  #ids = new Map<QueryTab, string>();

  constructor(readonly storage: KeptTexts) {
    super();
    const saved = read(storage);
    this.tabs = saved?.tabs ?? [starterTab()];
    for (const tab of saved?.tabs ?? []) this.#known.set(tab.id, contentOf(tab));
    this.active = this.tabs.find((tab) => tab.id === saved?.active) ?? this.tabs[0];
  }

  open(text: string, title?: string, options: { as_of?: string | null } = {}): QueryTab {
    const tab: QueryTab = {
      id: freshId(),
      title: title ?? this.#freeTitle(),
      text,
      as_of: options.as_of ?? null,
      isAsOpened: true,
    };
    const spare = this.tabs.findIndex((one) => one.isAsOpened || one.isStarter);
    if (this.tabs.length >= MAX_TABS && spare >= 0) this.tabs.splice(spare, 1);
    this.tabs.push(tab);
    this.activate(tab.id);
    return tab;
  }

  activate(id: string): void {
    const tab = this.tabs.find((one) => one.id === id);
    if (!tab || tab === this.active) return;
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
    this.active.isStarter = this.active.isAsOpened = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), 300);
  }

  setMoment(as_of: string | null): void {
    this.active.as_of = as_of;
    this.#changed();
  }

  save(): void {
    clearTimeout(this.#timer);
    const tabs = this.#toKeep();
    const saved: Saved = { active: this.#idOf(this.active), tabs };
    if (!this.storage.setItem(KEY, JSON.stringify(saved))) {
      this.dispatchEvent(new Event("unkept"));
      return;
    }
    for (const tab of this.tabs) this.#known.set(this.#idOf(tab), contentOf(tab));
  }

  /** Our tabs, those that we have not touched as other windows left them, and those that only other windows have. */
  #toKeep(): QueryTab[] {
    const kept = new Map((read(this.storage)?.tabs ?? []).map((tab) => [tab.id, tab]));
    const ours = this.tabs.flatMap((tab) => {
      const known = this.#known.get(this.#idOf(tab));
      const other = kept.get(this.#idOf(tab));
      const isOtherChanged = other !== undefined && known !== undefined && contentOf(other) !== known;
      if (known === contentOf(tab)) {
        if (isOtherChanged) return [other];
        const isClosedThere = other === undefined && kept.size > 0 && tab !== this.active;
        return isClosedThere ? [] : [{ ...tab, id: this.#idOf(tab) }];
      }
      if (isOtherChanged && contentOf(other) !== contentOf(tab)) {
        this.#known.delete(this.#idOf(tab));
        this.#ids.set(tab, freshId());
      }
      return [{ ...tab, id: this.#idOf(tab) }];
    });
    const ids = new Set(ours.map((tab) => tab.id));
    const isClosedHere = (tab: QueryTab) => this.#known.get(tab.id) === contentOf(tab);
    const others = [...kept.values()].filter((tab) => !ids.has(tab.id) && !isClosedHere(tab));
    return [...ours, ...others.filter((tab) => !tab.isStarter)];
  }

  #idOf(tab: QueryTab): string {
    return this.#ids.get(tab) ?? tab.id;
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

/** What a person would miss of a tab. */
function contentOf({ title, text, as_of, values }: QueryTab): string {
  return JSON.stringify([
    title,
    text,
    as_of,
    Object.entries(values ?? {}).filter(([, value]) => value !== ""),
  ]);
}

function read(storage: KeptTexts): Saved | null {
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
