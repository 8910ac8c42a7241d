/** The text of rules that is not saved yet: kept by the browser until it is saved or given up, whatever happens to the page. */
import type { KeptTexts } from "../shared/browser_storage.ts";

export interface RulesDraft {
  text: string;
  /** Of the rules that it was begun from. */
  version: string;
}

const KEY = "millrace.rules-draft";

export function readDraft(storage: KeptTexts): RulesDraft | null {
  const kept = storage.getItem(KEY);
  if (kept === null) return null;
  try {
    const { text, version } = JSON.parse(kept) as Partial<RulesDraft>;
    return typeof text === "string" && typeof version === "string" ? { text, version } : null;
  } catch (error) {
    console.warn("Cannot read the kept text of the rules:", error);
    return null;
  }
}

/** False when the browser cannot keep the draft. */
export function keepDraft(storage: KeptTexts, draft: RulesDraft | null): boolean {
  if (draft !== null) return storage.setItem(KEY, JSON.stringify(draft));
  storage.removeItem(KEY);
  return true;
}
