/** One dead letter: the original beside what is wrong with it, and what can be done. */
import { dataTable } from "../shared/data_table.ts";
import { h } from "../shared/dom.ts";
import { utc } from "../shared/format.ts";

interface FieldError {
  field?: string;
  code?: string;
  expected?: string | null;
  actual?: string | null;
}

export interface DeadLetter {
  dead_letter_id: string;
  reason: string;
  errors: readonly FieldError[] | string | null;
  original: string | null;
  original_encoding?: string | null;
  source: string;
  kind?: string | null;
  log_partition: number;
  log_offset: number | string;
  received_at: string;
  attempts?: number | null;
  replay_of?: string | null;
  state: string;
}

export function errorsOf(letter: DeadLetter): readonly FieldError[] {
  if (Array.isArray(letter.errors)) return letter.errors;
  if (typeof letter.errors !== "string") return [];
  try {
    const parsed: unknown = JSON.parse(letter.errors);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [{ code: letter.errors }];
  }
}

export function errorWords(error: FieldError): string {
  return [error.field, error.code].filter(Boolean).join(" ");
}

export interface LetterActions {
  /** With its original, or with another body. */
  replay(body: string | null): void;
  follow(): void;
}

/** The original on the left, what is wrong with it on the right. */
export function letterView(letter: DeadLetter, { replay, follow }: LetterActions): HTMLElement {
  const original = prettyOriginal(letter);
  const text = h("textarea", {
    class: "mono letter-original",
    rows: 18,
    spellcheck: "false",
    "aria-label": "Original body",
  });
  text.value = original;
  text.readOnly = letter.original_encoding === "base64";
  const again = h("button", {
    type: "button",
    class: "button primary",
    disabled: letter.state === "replayed",
  }, "Replay as it came");
  const corrected = h(
    "button",
    { type: "button", class: "button", disabled: true },
    "Replay this text instead",
  );
  text.addEventListener(
    "input",
    () => corrected.disabled = text.value === original || letter.state === "replayed",
  );
  const fate = h("button", { type: "button", class: "button quiet" }, "What became of it");
  fate.addEventListener("click", follow);
  again.addEventListener("click", () => replay(null));
  corrected.addEventListener("click", () => replay(text.value));
  const errors = dataTable<FieldError>(
    [
      { name: "Field", cell: (one) => h("code", {}, one.field || "(body)") },
      { name: "Code", cell: (one) => one.code },
      { name: "Expected", cell: (one) => one.expected },
      { name: "Actual", cell: (one) => one.actual },
    ],
    errorsOf(letter),
    { caption: "Errors", empty: "No field is named: the reason says it all." },
  );
  const facts = [
    ["Source", letter.source],
    ["Kind", letter.kind ?? "–"],
    ["Received", `${utc(letter.received_at)} UTC`],
    ["Partition and offset", `${letter.log_partition} / ${letter.log_offset}`],
    ["Attempts", String(letter.attempts ?? 0)],
    ["Replay of", letter.replay_of ?? "–"],
    ["Id", letter.dead_letter_id],
  ];
  const list = h(
    "dl",
    { class: "facts" },
    ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
  return h(
    "div",
    { class: "letter" },
    h("div", {}, h("h3", {}, "Original"), text, h("div", { class: "buttons" }, again, corrected, fate)),
    h("div", {}, h("h3", {}, "What is wrong"), errors, list),
  );
}

function prettyOriginal(letter: DeadLetter): string {
  const text = letter.original ?? "";
  // Only what prints back to the same value is laid out: long numbers and duplicate keys would change.
  try {
    const parsed: unknown = JSON.parse(text);
    return JSON.stringify(parsed) === text ? JSON.stringify(parsed, null, 2) : text;
  } catch {
    return text;
  }
}
