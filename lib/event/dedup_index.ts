/**
 * Remembers which ids were seen, each for the window of its source, in at most 24 bytes an id.
 *
 * An id is kept as a 64-bit hash, with 32 bits of its content and the time of its first record. Time is log time: what
 * is forgotten depends on the claims alone, so the same records give the same answers, whenever a checkpoint was taken.
 * Invariant: an index restored from an image and the changes since is equal to the one that never stopped, bit for bit.
 *
 *   check ─► unknown, or known and past its window ─► claim ─► forget what expired, and the oldest beyond the limit
 */
import { DedupEntries } from "./dedup_entries.ts";
import { DedupTable } from "./dedup_table.ts";
import { contentHash, idHash } from "./id_hash.ts";
import { WordReader, WordWriter } from "./word_buffer.ts";

export interface DedupClaim {
  source: string;
  kind: string;
  event_id: string;
  /** What makes two records of one id equal. */
  content: string;
  /** Log time, milliseconds since 1970. */
  received_at: number;
  window_ms: number;
}

export type DedupAnswer = "new" | "duplicate" | "conflict";

interface Claimed {
  high: number;
  low: number;
  content: number;
  queue: number;
  received_at: number;
}

/** Log times of several doors are not quite in order; an id is kept that much longer than its window. */
const SLACK_MS = 600_000;
/** Expired ids that one claim clears away at most, so that none of them pays for an idle week. */
const CLEARED_PER_CLAIM = 8;
const IMAGE_FORMAT = 0x4d445801;
const CHANGES_FORMAT = 0x4d444301;
/** Kinds of changes; a claim begins with its hash instead, whose low word is never 0. */
const CHANGE_WINDOW = 1;
const CHANGE_LIMIT = 2;

export class DedupIndex {
  #entries = new DedupEntries();
  #table = new DedupTable(this.#entries);
  #ids = 0;
  #dropped = 0;
  #log_time_ms = 0;
  #max_ids: number;
  #changes = newChanges();

  /** `max_ids`: ids remembered at most; beyond, the oldest go. */
  constructor(max_ids: number) {
    this.#max_ids = max_ids;
  }

  /** Ids remembered now. */
  get size(): number {
    return this.#ids;
  }

  /** Ids that had to go within their window because there were too many; ever. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes of memory held for the ids. */
  get size_bytes(): number {
    return this.#entries.bytes() + this.#table.bytes();
  }

  /** Whether the id was seen within its window, and with the same content. An unseen id is claimed. */
  check(claim: DedupClaim): DedupAnswer {
    const { high, low } = idHash(claim.source, claim.kind, claim.event_id);
    const content = contentHash(claim.content);
    const entry = this.#table.find(high, low);
    if (entry >= 0 && claim.received_at < this.#entries.time(entry) + this.#entries.window(entry)) {
      return this.#entries.content(entry) === content ? "duplicate" : "conflict";
    }
    const known = this.#entries.queues.length;
    const queue = this.#entries.queueOf(claim.window_ms);
    if (queue === known) this.#changes.word(CHANGE_WINDOW).word(0).float(claim.window_ms);
    this.#changes.word(high).word(low).word(content).word(queue).float(claim.received_at);
    this.#claim({ high, low, content, queue, received_at: claim.received_at }, entry);
    return "new";
  }

  /** Sets the limit (a settings record); told as a change in any case, for who restores it may begin with another one. */
  limit(max_ids: number): void {
    this.#changes.word(CHANGE_LIMIT).word(0).float(max_ids);
    this.#limit(max_ids);
  }

  #limit(max_ids: number): void {
    this.#max_ids = max_ids;
    while (this.#ids > max_ids) this.#dropOldest();
  }

  /** `expired` is the entry that the id has from before, or -1. */
  #claim({ high, low, content, queue, received_at }: Claimed, expired: number): void {
    if (received_at > this.#log_time_ms) this.#log_time_ms = received_at;
    if (expired >= 0) {
      this.#table.remove(high, low, expired);
      this.#entries.erase(expired);
      this.#ids--;
    }
    this.#table.add(high, low, this.#entries.append(queue, high, low, content, received_at));
    this.#ids++;
    this.#clear();
    while (this.#ids > this.#max_ids) this.#dropOldest();
  }

  /** Forgets a few ids whose window is over. */
  #clear(): void {
    const { queues } = this.#entries;
    for (let queue = 0; queue < queues.length; queue++) {
      const before_ms = this.#log_time_ms - queues[queue].window_ms - SLACK_MS;
      for (let cleared = 0; cleared < CLEARED_PER_CLAIM; cleared++) {
        const head = this.#entries.head(queue);
        if (head < 0 || (!this.#entries.isErased(head) && this.#entries.time(head) > before_ms)) break;
        this.#pop(queue, head);
      }
    }
  }

  /** Forgets the id that came first; a tie goes to the window that was met first. */
  #dropOldest(): void {
    let oldest = -1;
    let oldest_ms = Infinity;
    for (let queue = 0; queue < this.#entries.queues.length; queue++) {
      let head = this.#entries.head(queue);
      for (; head >= 0 && this.#entries.isErased(head); head = this.#entries.head(queue)) {
        this.#pop(queue, head);
      }
      if (head < 0 || this.#entries.time(head) >= oldest_ms) continue;
      [oldest, oldest_ms] = [queue, this.#entries.time(head)];
    }
    const head = this.#entries.head(oldest);
    if (this.#log_time_ms < oldest_ms + this.#entries.queues[oldest].window_ms) this.#dropped++;
    this.#pop(oldest, head);
  }

  #pop(queue: number, head: number): void {
    if (!this.#entries.isErased(head)) {
      this.#table.remove(this.#entries.high(head), this.#entries.low(head), head);
      this.#ids--;
    }
    this.#entries.pop(queue);
  }

  /** What was claimed since the last call, for `applyChanges`; 24 bytes a claim. */
  takeChanges(): Uint8Array {
    const bytes = this.#changes.bytes();
    this.#changes = newChanges();
    return bytes;
  }

  /** Does again what another index did; its changes in order, none left out. */
  applyChanges(changes: Uint8Array): void {
    const reader = new WordReader(changes);
    expectFormat(reader, CHANGES_FORMAT);
    while (!reader.done) {
      const high = reader.word();
      const low = reader.word();
      if (low !== 0) {
        const [content, queue, received_at] = [reader.word(), reader.word(), reader.float()];
        this.#claim({ high, low, content, queue, received_at }, this.#table.find(high, low));
      } else if (high === CHANGE_WINDOW) this.#entries.queueOf(reader.float());
      else this.#limit(reader.float());
    }
  }

  /** Everything that is remembered, the limit included; equal for equal indexes. */
  image(): Uint8Array {
    const writer = new WordWriter().word(IMAGE_FORMAT);
    writer.float(this.#max_ids).float(this.#dropped).float(this.#log_time_ms);
    this.#entries.write(writer);
    return writer.bytes();
  }

  /** The index that made the image; it has no changes of its own yet. */
  static fromImage(image: Uint8Array): DedupIndex {
    const reader = new WordReader(image);
    expectFormat(reader, IMAGE_FORMAT);
    const index = new DedupIndex(reader.float());
    index.#dropped = reader.float();
    index.#log_time_ms = reader.float();
    index.#table.reserve(reader.length / 4);
    index.#entries.read(reader, (high, low, entry) => {
      index.#table.add(high, low, entry);
      index.#ids++;
    });
    return index;
  }
}

function newChanges(): WordWriter {
  return new WordWriter().word(CHANGES_FORMAT);
}

function expectFormat(reader: WordReader, expected: number): void {
  const format = reader.word();
  if (format !== expected) throw new RangeError(`Cannot read remembered ids: format ${format.toString(16)}`);
}
