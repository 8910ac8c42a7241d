/**
 * The embedded log as the door uses it: appends go to a keeper thread a topic, so that a disk flush never holds up the
 * thread that answers requests; reads are this thread's own, for they never wait for a disk flush.
 *
 *   append ─► group commit (frames here) ─► keeper thread: one transaction ─► answers of all its callers
 */
import { Keeper } from "./keeper.ts";
import { SqliteLog, type SqliteLogOptions, topicFile } from "./sqlite_log.ts";

export interface KeptLogOptions extends SqliteLogOptions {
  /** The script of the keeper thread (workers/log_keeper.ts). */
  worker_url: URL;
}

export async function openKeptLog(options: KeptLogOptions): Promise<SqliteLog> {
  await Deno.mkdir(options.directory, { recursive: true });
  return new SqliteLog(
    options,
    (topic, { identity }) =>
      new Keeper(options.worker_url, topicFile(options.directory, topic), identity.partitions),
  );
}
