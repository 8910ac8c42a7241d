/** A copy of the embedded log's files as they are at one moment, while others go on writing. */
import { DatabaseSync } from "node:sqlite";
import { Fault, messageOf } from "../errors.ts";
import type { Topic } from "./log.ts";
import { topicFile } from "./sqlite_log.ts";
import { TOPICS } from "./topics.ts";
import { isThere } from "../store/local_file.ts";

const OPENING_TIMEOUT_MS = 10_000;

/** Copies every topic that exists into the folder `to`, which must exist; each is one read transaction. */
export async function copyLog(from: string, to: string): Promise<Topic[]> {
  const copied: Topic[] = [];
  for (const topic of TOPICS) {
    if (!await isThere(topicFile(from, topic))) continue;
    copyFile(topicFile(from, topic), topicFile(to, topic));
    copied.push(topic);
  }
  return copied;
}

function copyFile(from: string, to: string): void {
  try {
    const db = new DatabaseSync(from, { timeout: OPENING_TIMEOUT_MS });
    try {
      db.prepare("VACUUM INTO ?").run(to);
    } finally {
      db.close();
    }
  } catch (error) {
    throw new Fault("log_copy", `Cannot copy the log ${from}: ${messageOf(error)}`, {
      blame: "dependency",
      retry: "after_backoff",
      cause: error,
    });
  }
}
