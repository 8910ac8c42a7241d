/**
 * Whether a lake, and a log, are where the settings say. Nothing is made in looking: a mistyped DATA_DIR is no empty lake,
 * and what only works on a lake that is there begins with `needLake` or `needLog`.
 */
import { resolve } from "node:path";
import type { Settings } from "../lib/config.ts";
import { hasBucket, lakePrefix, logFolder, openStore } from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import { unlessMissing } from "../lib/store/disk_fault.ts";

export const MAKERS =
  "A lake is made when the program starts (deno task start, or deno task dev for the demo)";

/** Throws a Fault that says where nothing is and what to check. */
export async function needLake(settings: Settings): Promise<void> {
  refuseMissing(await missingLake(settings));
}

/** The same of the embedded log; the brokers say themselves what they lack. */
export async function needLog(settings: Settings): Promise<void> {
  refuseMissing(await missingLog(settings));
}

function refuseMissing(missing: string | null): void {
  if (missing === null) return;
  throw new Fault("no_lake", `Cannot find ${missing}. ${MAKERS}`, { blame: "dependency", retry: "never" });
}

/** null when there is a lake, or on disk at least a log that will become one; else where there is none. */
export async function missingLake(settings: Settings): Promise<string | null> {
  if (settings.S3_BUCKET !== null) return await missingInBucket(settings, settings.S3_BUCKET);
  return await isLakeFolder(settings.DATA_DIR) ? null : await missingIn(settings.DATA_DIR, "a lake");
}

/** null when there is something that a store could be tried with, whatever it holds; else where there is none. */
export async function missingStore(settings: Settings): Promise<string | null> {
  const { S3_BUCKET } = settings;
  if (S3_BUCKET === null) return await missingLake(settings);
  return await hasBucket(settings) ? null : `the bucket ${S3_BUCKET}`;
}

/** null when there is a log; else where there is none. */
export async function missingLog(settings: Settings): Promise<string | null> {
  if (settings.KAFKA_BROKERS !== null || await isFolder(logFolder(settings))) return null;
  return await missingIn(settings.DATA_DIR, "a log");
}

export async function isLakeFolder(folder: string): Promise<boolean> {
  return await isFolder(`${folder}/lake`) || await isFolder(`${folder}/log`);
}

async function missingIn(folder: string, what: string): Promise<string> {
  const state = await isFolder(folder) ? "the folder holds none" : "there is no such folder";
  return `${what} in ${resolve(folder)}: ${state}. Check DATA_DIR, best an absolute path`;
}

async function missingInBucket(settings: Settings, bucket: string): Promise<string | null> {
  const place = `a lake in the bucket ${bucket} below ${JSON.stringify(lakePrefix(settings))}`;
  const advice = "Check S3_BUCKET, S3_PREFIX and S3_ENDPOINT";
  if (!await hasBucket(settings)) return `${place}: there is no such bucket. ${advice}`;
  await using store = await openStore(settings);
  for await (const _ of store.list(lakePrefix(settings))) return null;
  return `${place}: nothing is there. ${advice}`;
}

async function isFolder(path: string): Promise<boolean> {
  return await unlessMissing("look at", path, () => Deno.stat(path))
    .then((info) => info?.isDirectory ?? false);
}
