/** The text of zstd frames that stand one after the other, as the parts of a segment do. */
import { unpack } from "../lib/log/unpack.ts";

const ZSTD = 4;

export function unzstd(bytes: Uint8Array): string {
  return new TextDecoder().decode(unpack(ZSTD, bytes));
}
