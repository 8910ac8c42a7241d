/** The text of rules that is not saved yet: kept by the browser until it is saved or given up, whatever happens to the page. */

export interface RulesDraft {
  text: string;
  /** Of the rules that it was begun from. */
  version: string;
}

const KEY = "millrace.rules-draft";

export function readDraft(storage: Storage): RulesDraft | null {
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

export function keepDraft(storage: Storage, draft: RulesDraft | null): void {
  if (draft === null) storage.removeItem(KEY);
  else storage.setItem(KEY, JSON.stringify(draft));
}
