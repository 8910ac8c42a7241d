/** How much is in a spill: counted as it comes and goes, since asking the file each time would cost more. */
import { type FramedRecord, totalBytes } from "./record_batch.ts";

export class Tally {
  records = 0;
  /** About what the file holds: what is counted when coming and when going may differ by a little. */
  bytes = 0;

  set({ records, bytes }: { records: number; bytes: number }): void {
    this.records = records;
    this.bytes = bytes;
  }

  add(records: readonly FramedRecord[]): void {
    this.records += records.length;
    this.bytes += totalBytes(records);
  }

  remove(records: readonly FramedRecord[]): void {
    this.records = Math.max(this.records - records.length, 0);
    this.bytes = Math.max(this.bytes - totalBytes(records), 0);
  }
}
