/** A query in an address: packed into the hash, which no server ever sees. Opening it never runs it. */

const MAX_PACKED = 30_000;

/** Null for a query that is too long for an address. */
export async function packQuery(sql: string): Promise<string | null> {
  const stream = new Blob([sql]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  const packed = btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return packed.length > MAX_PACKED ? null : packed;
}

/** The query of a packed text; null when it is none. */
export async function unpackQuery(packed: string): Promise<string | null> {
  if (packed.length > MAX_PACKED || !/^[A-Za-z0-9_-]+$/.test(packed)) return null;
  try {
    const text = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return await new Response(stream).text();
  } catch {
    // A link that was cut or is not ours: there is nothing to open.
    return null;
  }
}

/** A moment out of a link, which anybody may have written; null unless it is one. */
export function isoTime(text: string | null): string | null {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
