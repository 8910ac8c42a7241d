/** A real S3 server (MinIO) on a free port with a folder of its own, built once from its source and kept in the cache. */
import type { S3Options } from "../../lib/store/s3_client.ts";
import { freePort } from "./free_port.ts";

/** The last release before its repository was closed. */
const MODULE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c";
const ACCESS_KEY_ID = "millrace-test";
const SECRET_ACCESS_KEY = "millrace-test-secret";
const START_MS = 60_000;

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
  const end = async (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch (error) {
      // It has ended before.
      if (!(error instanceof TypeError)) throw error;
    }
    await child.status;
  };
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

async function launch(binary: string, folder: string, port: number): Promise<Deno.ChildProcess> {
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
  const deadline = Date.now() + START_MS;
  while (!await isReady(port)) {
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      await child.status;
      throw new Error(`Cannot start ${binary}: it did not answer within ${START_MS} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
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

function cacheFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return `${cache}/millrace`;
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
  const { success } = await new Deno.Command("go", {
    args: ["install", MODULE],
    env: { GOBIN: own },
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot build ${MODULE}: go install failed`);
  await Deno.rename(`${own}/minio`, `${folder}/minio`);
  await Deno.remove(own);
  return `${folder}/minio`;
}
