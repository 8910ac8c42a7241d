/**
 * The labels of what was made up, in a file of their own: one JSON object a line, written when the events are durable.
 *
 * Rules never see it; whoever wants to know how good they are does. A file that has grown large is put aside as
 * `<path>.1`, and the one put aside before is gone: a demo may run for months.
 */
import type { Label } from "./generated.ts";

/** What live events are labelled in, in `DATA_DIR`. */
export const LABELS = "labels.ndjson";
const LARGE_BYTES = 64 * 1024 * 1024;
const encoder = new TextEncoder();

export interface LabelFileOptions {
  /** Goes on behind what is there; else the file is made anew. */
  append: boolean;
  large_bytes?: number;
}

export class LabelFile implements AsyncDisposable {
  /** Labels written. */
  count = 0;

  private constructor(
    private readonly path: string,
    private file: Deno.FsFile,
    private size_bytes: number,
    private readonly large_bytes: number,
  ) {}

  static async open(
    path: string,
    { append, large_bytes = LARGE_BYTES }: LabelFileOptions,
  ): Promise<LabelFile> {
    const file = await Deno.open(path, { write: true, create: true, append, truncate: !append });
    return new LabelFile(path, file, (await file.stat()).size, large_bytes);
  }

  async write(labels: readonly Label[]): Promise<void> {
    if (labels.length === 0) return;
    const bytes = encoder.encode(labels.map((label) => `${JSON.stringify(label)}\n`).join(""));
    if (this.size_bytes > 0 && this.size_bytes + bytes.length > this.large_bytes) await this.#putAside();
    for (let at = 0; at < bytes.length;) at += await this.file.write(bytes.subarray(at));
    this.size_bytes += bytes.length;
    this.count += labels.length;
  }

  async #putAside(): Promise<void> {
    this.file.close();
    await Deno.rename(this.path, `${this.path}.1`);
    this.file = await Deno.open(this.path, { write: true, create: true, append: true });
    this.size_bytes = 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.file.close();
    return Promise.resolve();
  }
}
