/** A real S3 server (MinIO) on a free port with a folder of its own, built once from its source and kept in the cache. */
import type { S3Options } from "../../lib/store/s3_client.ts";
import { endChild } from "../child.ts";
import { cacheFolder, fetchBy } from "../fetched.ts";
import { pause } from "../waiting.ts";
import { freePort } from "./free_port.ts";

/** The last release before its repository was closed. */
const MODULE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c";
const ACCESS_KEY_ID = "millrace-test";
const SECRET_ACCESS_KEY = "millrace-test-secret";
const START_MS = 150_000;
const START_TRIES = 3;

export interface S3Server extends AsyncDisposable {
  endpoint: string;
  access_key_id: string;
  secret_access_key: string;
  /** What openS3Store takes, for a bucket of this server. */
  options(bucket: string): S3Options;
  /** Asks it to end, and waits. The data stay until it is disposed. */
  stop(): Promise<void>;
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
}

export async function startS3Server(): Promise<S3Server> {
  const binary = await minioBinary();
  const folder = await Deno.makeTempDir({ prefix: "s3-server-" });
  const port = freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  let child = await launch(binary, folder, port);
  const end = async (signal: Deno.Signal) => void await endChild(child, signal);
  return {
    endpoint,
    access_key_id: ACCESS_KEY_ID,
    secret_access_key: SECRET_ACCESS_KEY,
    options: (bucket) => ({
      bucket,
      region: "us-east-1",
      endpoint,
      public_endpoint: null,
      credentials: {
        access_key_id: ACCESS_KEY_ID,
        secret_access_key: SECRET_ACCESS_KEY,
        session_token: null,
      },
    }),
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    async restart() {
      await end("SIGTERM");
      child = await launch(binary, folder, port);
    },
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A port that was free a moment ago may be another's for a moment: so it tries again. */
async function launch(binary: string, folder: string, port: number): Promise<Deno.ChildProcess> {
  for (let attempt = 1;; attempt++) {
    const child = await tryLaunch(binary, folder, port);
    if (child) return child;
    if (attempt === START_TRIES) {
      throw new Error(`Cannot start ${binary}: it does not answer on port ${port}`);
    }
    await pause(1_000);
  }
}

/** null when the process ended, or did not answer for too long. */
async function tryLaunch(binary: string, folder: string, port: number): Promise<Deno.ChildProcess | null> {
  const child = new Deno.Command(binary, {
    args: ["server", folder, "--address", `127.0.0.1:${port}`, "--quiet"],
    env: {
      MINIO_ROOT_USER: ACCESS_KEY_ID,
      MINIO_ROOT_PASSWORD: SECRET_ACCESS_KEY,
      MINIO_BROWSER: "off",
      MINIO_UPDATE: "off",
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  const deadline = Date.now() + START_MS;
  // Whoever answers may be another's server, while ours could not have the port.
  while (!await isReady(port) || ended) {
    if (ended || Date.now() > deadline) {
      await endChild(child);
      return null;
    }
    await pause(50);
  }
  return child;
}

async function isReady(port: number): Promise<boolean> {
  try {
    // A listing of buckets without a signature is refused, but only once the server knows its users.
    const live = await fetch(`http://127.0.0.1:${port}/minio/health/ready`);
    const buckets = await fetch(`http://127.0.0.1:${port}/`);
    await live.body?.cancel();
    await buckets.body?.cancel();
    return live.status === 200 && buckets.status === 403;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

export async function minioBinary(): Promise<string> {
  return await findBinary() ?? await build();
}

async function findBinary(): Promise<string | null> {
  const folders = [cacheFolder(), Deno.env.get("GOBIN"), `${Deno.env.get("HOME")}/go/bin`];
  for (const folder of [...folders, ...(Deno.env.get("PATH") ?? "").split(":")]) {
    if (!folder) continue;
    try {
      if ((await Deno.stat(`${folder}/minio`)).isFile) return `${folder}/minio`;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    }
  }
  return null;
}

/** Takes some minutes, once. Several tests that build at once end with one and the same binary. */
async function build(): Promise<string> {
  const folder = cacheFolder();
  console.error(`Building ${MODULE} into ${folder} ...`);
  await Deno.mkdir(folder, { recursive: true });
  const own = await Deno.makeTempDir({ dir: folder, prefix: "build-" });
  await fetchBy("go", ["install", MODULE], { GOBIN: own });
  await Deno.rename(`${own}/minio`, `${folder}/minio`);
  await Deno.remove(own);
  return `${folder}/minio`;
}
