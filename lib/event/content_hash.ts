/** The hash by which bodies are known: ids of senders that sign none, keys of undecodable bytes, equality of copies. */
import { hash } from "node:crypto";

/** 64 lower-case hex digits. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash("sha256", data, "hex");
}
