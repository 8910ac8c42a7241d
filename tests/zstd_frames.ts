/**
 * Decompresses zstd frames that stand one after the other, as the parts of a segment do: DuckDB reads them all, the
 * runtime's own function stops after the first and tells how far it came.
 */
import { zstdDecompressSync } from "node:zlib";

export function unzstd(bytes: Uint8Array): string {
  const decoder = new TextDecoder();
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const { buffer, engine } = zstdDecompressSync(bytes.subarray(at), { info: true }) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    text += decoder.decode(buffer, { stream: true });
    at += engine.bytesWritten;
  }
  return text + decoder.decode();
}
