/**
 * Reading from S3 so that what arrives is what was stored: the length always, the checksum for whole objects (a range
 * has none). What breaks off or differs is read again from its start.
 */
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { Fault } from "../errors.ts";
import { orFault } from "./disk_fault.ts";
import { removeIfThere } from "./local_file.ts";
import type { ByteRange } from "./object_store.ts";
import type { Attempts, Deadline } from "./s3_attempt.ts";
import { BrokenAnswer } from "./s3_trouble.ts";

export class Downloads {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #attempts: Attempts;

  constructor(client: S3Client, bucket: string, attempts: Attempts) {
    this.#client = client;
    this.#bucket = bucket;
    this.#attempts = attempts;
  }

  /** null when there is no such object; an empty range that starts within it is not for us. */
  async read(key: string, range: ByteRange | null, signal?: AbortSignal): Promise<Uint8Array | null> {
    const take = async (answer: GetObjectCommandOutput, deadline: Deadline) => {
      const part = range === null ? { skip: 0, size: sizeOf(answer) } : partOf(answer, range);
      const whole = new Uint8Array(part.skip + part.size);
      let filled = 0;
      for await (const chunk of chunksOf(answer, deadline)) {
        whole.set(chunk.subarray(0, whole.length - filled), filled);
        filled = Math.min(whole.length, filled + chunk.length);
      }
      if (filled < whole.length) throw new BrokenAnswer("the answer was shorter than the range");
      return part.skip === 0 ? whole : whole.slice(part.skip);
    };
    try {
      return await this.#get(key, range, take, signal);
    } catch (error) {
      // The range starts beyond the end.
      if (error instanceof Fault && error.code === "store_range") return new Uint8Array();
      throw error;
    }
  }

  /** false when there is no such object; then, and on failure, no file is left. */
  async readToFile(key: string, path: string, signal?: AbortSignal): Promise<boolean> {
    let done = false;
    try {
      const found = await this.#get(key, null, async (answer, deadline) => {
        const local = <T>(act: () => Promise<T>) => orFault("write", path, act);
        using file = await local(() => Deno.open(path, { create: true, write: true, truncate: true }));
        for await (const chunk of chunksOf(answer, deadline)) {
          for (let at = 0; at < chunk.length;) at += await local(() => file.write(chunk.subarray(at)));
        }
        return true;
      }, signal);
      done = found !== null;
      return done;
    } finally {
      if (!done) await removeIfThere(path);
    }
  }

  async #get<T>(
    key: string,
    range: ByteRange | null,
    take: (answer: GetObjectCommandOutput, deadline: Deadline) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T | null> {
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(range ? { Range: `bytes=${range.start}-${range.end - 1}` } : { ChecksumMode: "ENABLED" }),
    });
    try {
      return await this.#attempts.run(`read ${key}`, async (deadline) => {
        const answer = await this.#client.send(command, { abortSignal: deadline.signal });
        return await take(answer, deadline);
      }, { signal });
    } catch (error) {
      if (error instanceof Fault && error.code === "store_missing") return null;
      throw error;
    }
  }
}

function sizeOf(answer: GetObjectCommandOutput): number {
  // An error page that came as 200 has no etag.
  if (answer.ETag === undefined || answer.ContentLength === undefined) {
    throw new BrokenAnswer("the answer is no object");
  }
  return answer.ContentLength;
}

/** Where in the answer the range is: at its start, unless the server gave the whole object instead. */
function partOf(answer: GetObjectCommandOutput, range: ByteRange): { skip: number; size: number } {
  const size = sizeOf(answer);
  if (answer.ContentRange === undefined) {
    const end = Math.min(range.end, size);
    return range.start >= end ? { skip: 0, size: 0 } : { skip: range.start, size: end - range.start };
  }
  const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.ContentRange)?.map(Number) ?? [];
  const wanted = Math.min(range.end, total) - range.start;
  if (start !== range.start || end + 1 - start !== wanted || size !== wanted) {
    throw new BrokenAnswer(`the answer is another range (${answer.ContentRange})`);
  }
  return { skip: 0, size };
}

/** The bytes of an answer. Breaks unless all came, and (the SDK looks at that) unless they match their checksum. */
async function* chunksOf(answer: GetObjectCommandOutput, deadline: Deadline): AsyncGenerator<Uint8Array> {
  const size = sizeOf(answer);
  if (answer.Body === undefined) throw new BrokenAnswer("the answer has no body");
  const reader = answer.Body.transformToWebStream().getReader();
  const stop = () => void reader.cancel(deadline.signal.reason).catch(() => undefined);
  deadline.signal.addEventListener("abort", stop, { once: true });
  let received = 0;
  try {
    for (;;) {
      const chunk = await nextOf(reader);
      if (chunk === null) break;
      deadline.extend();
      received += chunk.length;
      yield chunk;
    }
  } finally {
    deadline.signal.removeEventListener("abort", stop);
    stop();
  }
  if (received !== size) throw new BrokenAnswer(`${received} of ${size} bytes came`);
}

async function nextOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | null> {
  try {
    const { done, value } = await reader.read();
    return done ? null : value;
  } catch (error) {
    throw new BrokenAnswer("the answer broke off", { cause: error });
  }
}
