/** State as lines of JSON after a header that names the format; written and read piece by piece, never as one string. */

export const STATE_FORMAT = 2;
/** Entries a line at most: bounds the text that is built at once. */
export const LINE_ENTRIES = 512;

const HEADER = JSON.stringify({ millrace_state: STATE_FORMAT });

const encoder = new TextEncoder();

/** Collects lines as bytes; the header comes first, once. */
export class LineWriter {
  #parts: Uint8Array[] = [encoder.encode(HEADER + "\n")];
  size = 0;

  line(value: unknown): void {
    const part = encoder.encode(JSON.stringify(value) + "\n");
    this.#parts.push(part);
    this.size += part.length;
  }

  /** The bytes since the last call. */
  bytes(): Uint8Array {
    const bytes = concatenate(this.#parts);
    this.#parts = [];
    this.size = 0;
    return bytes;
  }
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The parsed lines after the header, wherever the chunks were cut. */
export function* linesOf(chunks: Iterable<Uint8Array>): Generator<unknown, void, void> {
  const decoder = new TextDecoder();
  let rest: Uint8Array = new Uint8Array(0);
  let headed = false;
  for (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : concatenate([rest, chunk]);
    let from = 0;
    for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10, from)) {
      const text = decoder.decode(bytes.subarray(from, to));
      from = to + 1;
      if (headed) yield JSON.parse(text);
      else headed = checkHeader(text);
    }
    rest = bytes.subarray(from);
  }
  if (!headed || rest.length > 0) throw new RangeError("Cannot read state: it is cut short");
}

function checkHeader(text: string): true {
  if (text !== HEADER) throw new RangeError(`Cannot read state: its format is not ${STATE_FORMAT}`);
  return true;
}
