/** Carries a file of the format before over, which had a row for each batch of a partition and an index of their offsets. */
import type { DatabaseSync } from "node:sqlite";
import { noPlaces, rowsOf } from "./commit_row.ts";

export const FORMAT_BEFORE = 1;

/** In the caller's transaction, with the new tables made and empty: nothing is lost, and offsets stay what they are. */
export function carryOver(db: DatabaseSync, format: number): void {
  const partitions = db.prepare(
    `SELECT partition, end_offset, coalesce(
       (SELECT min(base_offset) FROM batches WHERE batches.partition = partitions.partition), end_offset) AS begin_offset
     FROM partitions ORDER BY partition`,
  ).all();
  const setBegin = db.prepare("INSERT INTO begins VALUES (?, ?)");
  for (const { partition, begin_offset } of partitions) setBegin.run(partition, begin_offset);
  const insert = db.prepare("INSERT INTO commits VALUES (?, ?, ?, ?)");
  let number = 1;
  let last = { newest_ms: 0, places: noPlaces(partitions.map(({ begin_offset }) => Number(begin_offset))) };
  // Also for a log of which all was trimmed: it goes on with higher offsets.
  insert.run(number, 0, last.places, new Uint8Array(0));
  const batches = db.prepare(
    "SELECT partition, next_offset - base_offset AS count, newest_ms, bytes FROM batches ORDER BY rowid",
  );
  for (const { partition, count, newest_ms, bytes } of batches.iterate()) {
    if (!(bytes instanceof Uint8Array)) throw new TypeError("A batch is no blob");
    const frame = { partition: Number(partition), count: Number(count), newest_ms: Number(newest_ms), bytes };
    const [row] = rowsOf(last, [frame]).rows;
    insert.run(++number, row.newest_ms, row.places, row.bytes);
    last = row;
  }
  db.exec("DROP TABLE batches; DROP TABLE partitions");
  db.prepare("UPDATE meta SET format = ?").run(format);
}
