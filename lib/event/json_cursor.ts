/**
 * A place in a JSON text that `JSON.parse` accepted: what walkers of such texts share. They may trust the text, so nothing
 * here looks for what valid JSON cannot hold. Nor does anything here recurse; walkers that do need at most 64 levels.
 */

export class JsonCursor {
  at = 0;

  constructor(readonly text: string) {}

  get character(): string {
    return this.text[this.at];
  }

  skipBlanks(): void {
    while (this.text.charCodeAt(this.at) <= 0x20) this.at++;
  }

  /** Passes over a string, and gives it with its quotes. */
  quoted(): string {
    const start = this.at;
    this.at = endOfString(this.text, start) + 1;
    return this.text.slice(start, this.at);
  }

  /** Passes over a number, true, false or null, and gives it. */
  token(): string {
    const start = this.at;
    while (this.at < this.text.length && !",]} \t\r\n".includes(this.character)) this.at++;
    return this.text.slice(start, this.at);
  }

  /** Passes over a whole value, whatever it is. */
  skipValue(): void {
    if (this.character === '"') this.quoted();
    else if (this.character === "{" || this.character === "[") this.#skipBrackets();
    else this.token();
  }

  #skipBrackets(): void {
    let level = 0;
    for (;; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code === 0x22) this.at = endOfString(this.text, this.at);
      else if (code === 0x7b || code === 0x5b) level++;
      else if ((code === 0x7d || code === 0x5d) && --level === 0) break;
    }
    this.at++;
  }

  /** Passes over an object's member name and its colon, and gives the name. */
  memberName(): string {
    const name = unquoted(this.quoted());
    this.skipBlanks();
    this.at++;
    return name;
  }

  /** Passes over the next comma, and tells whether a member or element follows; if none does, over the bracket too. */
  more(): boolean {
    this.skipBlanks();
    if (this.character === ",") {
      this.at++;
      this.skipBlanks();
    }
    const closes = this.character === "}" || this.character === "]";
    if (closes) this.at++;
    return !closes;
  }
}

/** The text of the member of that name in an object's text, of several the last, as it is written; null without one. */
export function memberText(text: string, name: string): string | null {
  const cursor = new JsonCursor(text);
  let found = null;
  cursor.skipBlanks();
  for (cursor.at++; cursor.more();) {
    const isWanted = cursor.memberName() === name;
    cursor.skipBlanks();
    const start = cursor.at;
    cursor.skipValue();
    if (isWanted) found = text.slice(start, cursor.at);
  }
  return found;
}

/** What a quoted string says. */
export function unquoted(quoted: string): string {
  return quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}

/** Index of the quote that closes the string opened at `at`; the end of the text when none does. */
export function endOfString(text: string, at: number): number {
  let quote = at;
  for (;;) {
    quote = text.indexOf('"', quote + 1);
    if (quote < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return quote;
  }
}
