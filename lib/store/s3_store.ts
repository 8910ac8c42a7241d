/** The store on S3 and what speaks like it: conditional creates, verified bytes, patience, and honest doubt. */
import {
  BucketLocationConstraint,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { systemClock } from "../clock.ts";
import type { Settings } from "../config.ts";
import { Fault } from "../errors.ts";
import { checkKey, checkPrefix, compareKeys } from "./key.ts";
import type { ByteRange, Created, ObjectEntry, ObjectHead, ObjectStore } from "./object_store.ts";
import { Attempts, type Patience } from "./s3_attempt.ts";
import { s3Client, type S3Options } from "./s3_client.ts";
import { Downloads } from "./s3_download.ts";
import { answerOf, BrokenAnswer } from "./s3_trouble.ts";
import { Uploads } from "./s3_upload.ts";

/** What one call of the protocol deletes at most. */
const DELETE_AT_ONCE = 1000;

const PATIENCE: Patience = {
  clock: systemClock,
  random: Math.random,
  attempts: 10,
  base_ms: 50,
  cap_ms: 5_000,
  silence_ms: 60_000,
};

export function s3Options(settings: Settings): S3Options {
  const { S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = settings;
  if (S3_BUCKET === null) throw new TypeError("Cannot open the S3 store: S3_BUCKET is not set");
  return {
    bucket: S3_BUCKET,
    region: settings.S3_REGION,
    endpoint: settings.S3_ENDPOINT,
    public_endpoint: settings.S3_PUBLIC_ENDPOINT,
    credentials: S3_ACCESS_KEY_ID !== null && S3_SECRET_ACCESS_KEY !== null
      ? {
        access_key_id: S3_ACCESS_KEY_ID,
        secret_access_key: S3_SECRET_ACCESS_KEY,
        session_token: settings.S3_SESSION_TOKEN,
      }
      : null,
  };
}

/** Opens without a call to the server. A bucket that turns out to be missing is made. */
export function openS3Store(options: S3Options, patience: Partial<Patience> = {}): S3Store {
  return new S3Store(options, { ...PATIENCE, ...patience });
}

export class S3Store implements ObjectStore {
  readonly #options: S3Options;
  readonly #client: S3Client;
  /** Sends what must not be sent twice unnoticed. */
  readonly #decider: S3Client;
  /** Signs for the address that browsers use. */
  readonly #signer: S3Client;
  readonly #attempts: Attempts;
  readonly #uploads: Uploads;
  readonly #downloads: Downloads;

  constructor(options: S3Options, patience: Patience) {
    this.#options = options;
    this.#client = s3Client(options, options.endpoint, { reuse: true });
    this.#decider = s3Client(options, options.endpoint, { reuse: false });
    this.#signer = s3Client(options, options.public_endpoint ?? options.endpoint, { reuse: true });
    this.#attempts = new Attempts(patience, () => this.#makeBucket());
    this.#uploads = new Uploads(this.#client, this.#decider, options.bucket, this.#attempts);
    this.#downloads = new Downloads(this.#client, options.bucket, this.#attempts);
  }

  /** Makes the bucket unless it exists. */
  async ensureBucket(): Promise<void> {
    if (await this.hasBucket()) return;
    await this.#attempts.run(`make the bucket ${this.#options.bucket}`, () => this.#makeBucket());
  }

  async hasBucket(): Promise<boolean> {
    const { bucket } = this.#options;
    return await this.#attempts.run(`find the bucket ${bucket}`, async ({ signal: abortSignal }) => {
      try {
        await this.#client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal });
        return true;
      } catch (error) {
        // 403: it exists, and we may not look at it as a whole.
        const status = answerOf(error)?.status;
        if (status !== 404 && status !== 403) throw error;
        return status === 403;
      }
    });
  }

  /** Not percent-encoded: readers of Iceberg tables take what follows the bucket literally. */
  uri(key: string): string {
    return `s3://${this.#options.bucket}/${checkKey(key)}`;
  }

  keyOf(uri: string): string | null {
    const root = `s3://${this.#options.bucket}/`;
    if (!uri.startsWith(root)) return null;
    try {
      return checkKey(uri.slice(root.length));
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }

  async create(key: string, body: Uint8Array, signal?: AbortSignal): Promise<Created> {
    checkKey(key);
    const read = (start: number, end: number) => Promise.resolve(body.subarray(start, end));
    return await this.#uploads.create(key, { size_bytes: body.length, read }, signal);
  }

  async createFromFile(key: string, path: string, signal?: AbortSignal): Promise<Created> {
    checkKey(key);
    using file = await Deno.open(path, { read: true });
    const read = async (start: number, end: number) => {
      const part = new Uint8Array(end - start);
      await file.seek(start, Deno.SeekMode.Start);
      for (let at = 0; at < part.length;) {
        const count = await file.read(part.subarray(at));
        if (count === null) throw new RangeError(`Cannot create ${key}: ${path} became shorter meanwhile`);
        at += count;
      }
      return part;
    };
    return await this.#uploads.create(key, { size_bytes: (await file.stat()).size, read }, signal);
  }

  async read(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array | null> {
    checkKey(key);
    if (range && !(range.start >= 0 && range.end >= range.start)) {
      throw new RangeError(`Cannot read ${key}: ${range.start}..${range.end} is no range`);
    }
    // HTTP has no word for an empty range.
    if (range && range.end === range.start) return await this.head(key) && new Uint8Array();
    return await this.#downloads.read(key, range ?? null, signal);
  }

  async readToFile(key: string, path: string, signal?: AbortSignal): Promise<boolean> {
    return await this.#downloads.readToFile(checkKey(key), path, signal);
  }

  async head(key: string): Promise<ObjectHead | null> {
    const command = new HeadObjectCommand({ Bucket: this.#options.bucket, Key: checkKey(key) });
    try {
      return await this.#attempts.run(`look at ${key}`, async ({ signal: abortSignal }) => {
        const answer = await this.#client.send(command, { abortSignal });
        if (answer.ContentLength === undefined || answer.ETag === undefined) {
          throw new BrokenAnswer("the answer is no object");
        }
        return { size_bytes: answer.ContentLength, etag: answer.ETag };
      });
    } catch (error) {
      if (error instanceof Fault && error.code === "store_missing") return null;
      throw error;
    }
  }

  async *list(prefix: string, after = ""): AsyncIterable<ObjectEntry> {
    checkPrefix(prefix);
    let last = after;
    let token: string | undefined;
    do {
      const page = await this.#page(prefix, { after, token });
      for (const { Key: key, Size: size_bytes, LastModified } of page.Contents ?? []) {
        if (key === undefined || size_bytes === undefined) continue;
        if (compareKeys(last, key) > 0) throw unordered(prefix);
        last = key;
        // Consoles leave markers such as "folder/", which name no object of ours.
        if (!key.endsWith("/")) yield { key, size_bytes, modified_at: LastModified?.getTime() ?? 0 };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkKey(key);
    for (let at = 0; at < keys.length; at += DELETE_AT_ONCE) {
      const left = new Set(keys.slice(at, at + DELETE_AT_ONCE));
      await this.#attempts.run(`delete ${left.size} objects`, async ({ signal }) => {
        await this.#deleteSome(left, signal);
      });
    }
  }

  async putHint(key: string, body: Uint8Array): Promise<void> {
    await this.#uploads.overwrite(checkKey(key), body);
  }

  localPath(): null {
    return null;
  }

  /** Caches of browsers must not keep what comes: some of them mix up ranges. */
  async presign(key: string, ttl_seconds: number): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: this.#options.bucket,
      Key: checkKey(key),
      ResponseCacheControl: "no-store",
    });
    return await getSignedUrl(this.#signer, command, { expiresIn: ttl_seconds });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    this.#decider.destroy();
    this.#signer.destroy();
    return Promise.resolve();
  }

  async #makeBucket(): Promise<void> {
    const { bucket, region } = this.#options;
    // Only AWS has these names, and its first region has none.
    const location = Object.values(BucketLocationConstraint).find((name) => name === region);
    const where = location ? { CreateBucketConfiguration: { LocationConstraint: location } } : {};
    try {
      await this.#client.send(new CreateBucketCommand({ Bucket: bucket, ...where }));
    } catch (error) {
      if (answerOf(error)?.name !== "BucketAlreadyOwnedByYou") throw error;
    }
  }

  async #page(
    prefix: string,
    { after, token }: { after: string; token: string | undefined },
  ): Promise<ListObjectsV2CommandOutput> {
    const command = new ListObjectsV2Command({
      Bucket: this.#options.bucket,
      Prefix: prefix,
      StartAfter: after === "" ? undefined : after,
      ContinuationToken: token,
    });
    return await this.#attempts.run(`list ${prefix}`, async ({ signal: abortSignal }) => {
      const page = await this.#client.send(command, { abortSignal });
      // An error page that came as 200 says nothing of these; it must not pass for an empty bucket.
      if (page.IsTruncated === undefined || (page.IsTruncated && !page.NextContinuationToken)) {
        throw new BrokenAnswer("the answer is no listing");
      }
      return page;
    });
  }

  /** Takes off `left` what the server says is gone, and fails while something is left. */
  async #deleteSome(left: Set<string>, abortSignal: AbortSignal): Promise<void> {
    const command = new DeleteObjectsCommand({
      Bucket: this.#options.bucket,
      Delete: { Objects: [...left].map((Key) => ({ Key })), Quiet: false },
    });
    const answer = await this.#client.send(command, { abortSignal });
    for (const { Key } of answer.Deleted ?? []) if (Key !== undefined) left.delete(Key);
    const refused = answer.Errors?.find(({ Code }) => Code === "AccessDenied");
    if (refused) {
      throw new Fault("store_forbidden", `Cannot delete ${refused.Key}: the server answered AccessDenied`, {
        blame: "dependency",
        retry: "never",
      });
    }
    if (left.size > 0) throw new BrokenAnswer(`${left.size} objects were not deleted`);
  }
}

function unordered(prefix: string): Fault {
  return new Fault("store_lies", `Cannot trust the store: it lists ${prefix} out of order`, {
    blame: "dependency",
    retry: "never",
  });
}
