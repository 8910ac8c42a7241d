/** What this browser keeps for the page from one visit to the next. Where it may keep nothing, or has no room, the page works without. */

export interface KeptTexts {
  getItem(key: string): string | null;
  /** False when the text was not kept. */
  setItem(key: string, text: string): boolean;
  removeItem(key: string): void;
}

export const browserStorage: KeptTexts = {
  getItem: (key) => attempt(() => localStorage.getItem(key), null),
  setItem: (key, text) =>
    attempt(() => {
      localStorage.setItem(key, text);
      return true;
    }, false),
  removeItem: (key) => attempt(() => localStorage.removeItem(key), undefined),
};

/** Even to name the storage throws where the browser forbids it. */
function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch (error) {
    console.warn("The browser's storage is full or closed:", error);
    return otherwise;
  }
}
