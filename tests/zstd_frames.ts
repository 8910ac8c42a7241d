/**
 * Decompresses zstd frames that stand one after the other, as the parts of a segment do: DuckDB reads them all, the
 * runtime's own function only the first.
 */
import { zstdDecompressSync } from "node:zlib";

export function unzstd(bytes: Uint8Array): string {
  const decoder = new TextDecoder();
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const end = frameEnd(bytes, at);
    text += decoder.decode(zstdDecompressSync(bytes.subarray(at, end)), { stream: true });
    at = end;
  }
  return text + decoder.decode();
}

/** RFC 8878: magic, header, blocks of which each tells its size and whether it is the last, perhaps a checksum. */
function frameEnd(bytes: Uint8Array, start: number): number {
  const descriptor = bytes[start + 4];
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionary_bytes = [0, 1, 2, 4][descriptor & 3];
  const size_bytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6];
  let at = start + 5 + (isSingle ? 0 : 1) + dictionary_bytes + size_bytes;
  for (let isLast = false; !isLast;) {
    const header = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    isLast = (header & 1) !== 0;
    const isRepeat = ((header >> 1) & 3) === 1;
    at += 3 + (isRepeat ? 1 : header >> 3);
  }
  return at + ((descriptor & 4) !== 0 ? 4 : 0);
}
