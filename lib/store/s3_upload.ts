/**
 * Creating objects on S3, at most once, and never claiming to know more than was heard.
 *
 *   small   PUT If-None-Match: *        200 created    412 taken    409, damaged on the way: again
 *   large   begin, parts, and then      5xx, timeout, cut: again, and from then on a 412 may be our own: "unknown"
 *           complete If-None-Match: *
 *
 * The server checks a CRC32 of every body and every part, and of the whole at the end.
 */
import { crc32 } from "node:zlib";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { Fault } from "../errors.ts";
import type { Created } from "./object_store.ts";
import type { Attempts } from "./s3_attempt.ts";
import { answerOf, BrokenAnswer } from "./s3_trouble.ts";

/** Beyond this an object goes up in parts (of at least that size). */
export const PART_BYTES = 8 * 1024 * 1024;
const MAX_PARTS = 9_000;
const PARTS_AT_ONCE = 4;
/** How often a large upload is begun anew after a conflict. */
const ROUNDS = 5;

/** Bytes that can be read again. */
export interface Source {
  size_bytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

export class Uploads {
  readonly #client: S3Client;
  readonly #decider: S3Client;
  readonly #bucket: string;
  readonly #attempts: Attempts;

  /** `decider` never sends a request twice without our knowing; all else goes through `client`. */
  constructor(client: S3Client, decider: S3Client, bucket: string, attempts: Attempts) {
    this.#client = client;
    this.#decider = decider;
    this.#bucket = bucket;
    this.#attempts = attempts;
  }

  async create(key: string, source: Source, signal?: AbortSignal): Promise<Created> {
    signal?.throwIfAborted();
    if (source.size_bytes > PART_BYTES) return await this.#createLarge(key, source, signal);
    const body = await source.read(0, source.size_bytes);
    return await this.#once(async (heard) => {
      await this.#put(`create ${key}`, key, body, { if_none_match: "*", signal, onTrouble: heard });
      return "created";
    });
  }

  async overwrite(key: string, body: Uint8Array): Promise<void> {
    await this.#put(`write the hint ${key}`, key, body, {});
  }

  /** Runs the deciding call and says what is known of its outcome. */
  async #once<T extends Created | "conflict">(
    decide: (heard: (trouble: { effect: string }) => void) => Promise<T>,
  ): Promise<T | Created> {
    let doubt = false;
    try {
      return await decide(({ effect }) => {
        if (effect === "unknown") doubt = true;
      });
    } catch (error) {
      // After an answer was lost, whoever stands there now may be ourselves.
      if (doubt) return "unknown";
      if (error instanceof Fault && error.code === "store_taken") return "taken";
      throw error;
    }
  }

  async #put(
    what: string,
    key: string,
    body: Uint8Array,
    { if_none_match, signal, onTrouble }: {
      if_none_match?: string;
      signal?: AbortSignal;
      onTrouble?: (trouble: { effect: string }) => void;
    },
  ): Promise<void> {
    const checksum = checksumOf(crc32(body));
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: body,
      ChecksumCRC32: checksum,
      IfNoneMatch: if_none_match,
    });
    await this.#attempts.run(what, async ({ signal: abortSignal }) => {
      const answer = await this.#decider.send(command, { abortSignal });
      believe(answer.ETag, answer.ChecksumCRC32, checksum);
    }, { signal, onTrouble });
  }

  async #createLarge(key: string, source: Source, signal?: AbortSignal): Promise<Created> {
    for (let round = 1; round <= ROUNDS; round++) {
      const upload = await this.#begin(key, signal);
      let outcome: Created | "conflict" | null = null;
      try {
        const sent = await this.#sendParts(key, upload, source, signal);
        outcome = await this.#complete(key, upload, sent, signal);
      } finally {
        // Nothing is cleaned up while the outcome is unknown.
        if (outcome === null || outcome === "taken" || outcome === "conflict") await this.#drop(key, upload);
      }
      if (outcome !== "conflict") return outcome;
    }
    throw new Fault("store_unavailable", `Cannot create ${key}: others kept writing to it`, {
      blame: "dependency",
      retry: "after_backoff",
    });
  }

  async #begin(key: string, signal?: AbortSignal): Promise<string> {
    const command = new CreateMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: key,
      ChecksumAlgorithm: "CRC32",
      ChecksumType: "FULL_OBJECT",
    });
    return await this.#attempts.run(`begin to create ${key}`, async ({ signal: abortSignal }) => {
      const answer = await this.#client.send(command, { abortSignal });
      if (!answer.UploadId) throw new BrokenAnswer("the answer has no upload id");
      return answer.UploadId;
    }, { signal });
  }

  /** Reads part after part, since the checksum of the whole needs their order, and sends several at once. */
  async #sendParts(key: string, upload: string, source: Source, signal?: AbortSignal) {
    const part_bytes = Math.max(PART_BYTES, Math.ceil(source.size_bytes / MAX_PARTS));
    const sent: Promise<CompletedPart>[] = [];
    const running = new Set<Promise<void>>();
    let whole = 0;
    let failed = false;
    try {
      for (let start = 0; start < source.size_bytes && !failed; start += part_bytes) {
        const body = await source.read(start, Math.min(start + part_bytes, source.size_bytes));
        whole = crc32(body, whole);
        const one = this.#sendPart(key, upload, sent.length + 1, body, signal);
        sent.push(one);
        const slot: Promise<void> = one.then(() => {}, () => {
          failed = true;
        }).then(() => void running.delete(slot));
        running.add(slot);
        if (running.size >= PARTS_AT_ONCE) await Promise.race(running);
      }
    } finally {
      await Promise.all(running);
    }
    return { parts: await Promise.all(sent), checksum: checksumOf(whole) };
  }

  async #sendPart(
    key: string,
    upload: string,
    number: number,
    body: Uint8Array,
    signal?: AbortSignal,
  ): Promise<CompletedPart> {
    const checksum = checksumOf(crc32(body));
    const command = new UploadPartCommand({
      Bucket: this.#bucket,
      Key: key,
      UploadId: upload,
      PartNumber: number,
      Body: body,
      ChecksumCRC32: checksum,
    });
    return await this.#attempts.run(`send part ${number} of ${key}`, async ({ signal: abortSignal }) => {
      const answer = await this.#client.send(command, { abortSignal });
      believe(answer.ETag, answer.ChecksumCRC32, checksum);
      return { PartNumber: number, ETag: answer.ETag, ChecksumCRC32: checksum };
    }, { signal });
  }

  /** "conflict": another write to the key ran meanwhile, nothing was created, and the upload is spoilt. */
  async #complete(
    key: string,
    upload: string,
    sent: { parts: CompletedPart[]; checksum: string },
    signal?: AbortSignal,
  ): Promise<Created | "conflict"> {
    const command = new CompleteMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: key,
      UploadId: upload,
      MultipartUpload: { Parts: sent.parts },
      ChecksumType: "FULL_OBJECT",
      ChecksumCRC32: sent.checksum,
      IfNoneMatch: "*",
    });
    return await this.#once((heard) =>
      this.#attempts.run(`create ${key}`, async ({ signal: abortSignal }) => {
        try {
          const answer = await this.#decider.send(command, { abortSignal });
          believe(answer.ETag, answer.ChecksumCRC32, sent.checksum);
          return "created";
        } catch (error) {
          if (answerOf(error)?.status === 409) return "conflict";
          throw error;
        }
      }, { signal, onTrouble: heard })
    );
  }

  async #drop(key: string, upload: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key: key, UploadId: upload });
    try {
      await this.#attempts.run(
        `drop the parts of ${key}`,
        ({ signal: abortSignal }) => this.#client.send(command, { abortSignal }),
      );
    } catch (error) {
      // Parts that stay cost room and nothing else (stores clear them by age); they must not hide the outcome.
      if (!(error instanceof Fault)) throw error;
    }
  }
}

/** An error page that came as 200 has no etag; a wrong checksum is damage that the server did not see. */
function believe(etag: string | undefined, given: string | undefined, expected: string): void {
  if (etag === undefined) throw new BrokenAnswer("the answer has no etag");
  if (given !== undefined && given !== expected) throw new BrokenAnswer("the server stored other bytes");
}

function checksumOf(crc: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, crc);
  return bytes.toBase64();
}
