/**
 * A cabinet as text, for keys that nobody asked for lately: a third of what its objects take.
 *
 *   "0,44,3,17;[1,0,1234500,0,0][...]"      number and length of each drawer that holds something, then their JSON
 *
 * One drawer is read without the others, so that going through all keys costs what is looked at.
 */

export type Cabinet = unknown[];

const END = ";";
/** A cabinet that holds nothing. */
export const NOTHING_PACKED = END;

export function packed(cabinet: Cabinet): string {
  const head: number[] = [];
  const texts: string[] = [];
  for (let number = 0; number < cabinet.length; number++) {
    if (cabinet[number] === undefined) continue;
    const text = JSON.stringify(cabinet[number]);
    head.push(number, text.length);
    texts.push(text);
  }
  // Joined, and not added up: the engine keeps the result as one flat text.
  return [head.join(), END, ...texts].join("");
}

/** `length`: drawers it shall have at least. */
export function unpacked(text: string, length: number): Cabinet {
  const cabinet: Cabinet = new Array(length).fill(undefined);
  for (const { number, from, to } of pieces(text)) {
    while (cabinet.length <= number) cabinet.push(undefined);
    cabinet[number] = JSON.parse(text.slice(from, to));
  }
  return cabinet;
}

/** What one drawer holds; undefined where it holds nothing. */
export function packedDrawer(text: string, wanted: number): unknown {
  for (const { number, from, to } of pieces(text)) {
    if (number === wanted) return JSON.parse(text.slice(from, to));
  }
  return undefined;
}

/** The same without one drawer; the very text where it holds nothing. */
export function withoutDrawer(text: string, unwanted: number): string {
  const all = pieces(text);
  const left = all.filter(({ number }) => number !== unwanted);
  if (left.length === all.length) return text;
  const head = left.map(({ number, from, to }) => `${number},${to - from}`).join();
  return [head, END, ...left.map(({ from, to }) => text.slice(from, to))].join("");
}

interface Piece {
  number: number;
  from: number;
  to: number;
}

function pieces(text: string): Piece[] {
  const end = text.indexOf(END);
  const found: Piece[] = [];
  if (end === 0) return found;
  const head = text.slice(0, end).split(",");
  let from = end + 1;
  for (let at = 0; at < head.length; at += 2) {
    const to = from + Number(head[at + 1]);
    found.push({ number: Number(head[at]), from, to });
    from = to;
  }
  return found;
}
