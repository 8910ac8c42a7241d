/**
 * Arrow as the engine's package brings it: the one place that names its version. Its types, which cost nothing, and
 * guards of our own, so that the library itself comes with the engine and not before.
 */
import type {
  Binary,
  Bool,
  DataType,
  Date_,
  Decimal,
  Dictionary,
  FixedSizeList,
  Float,
  Int,
  Interval,
  List,
  Map_,
  RecordBatch,
  Schema,
  Struct,
  Time,
  Timestamp,
  Utf8,
} from "apache-arrow";

export type { Data, DataType, RecordBatch, Schema } from "apache-arrow";

const guard = <T extends DataType>(typeId: number) => (type: DataType): type is T => type.typeId === typeId;

/** Numbers are those of Arrow's `Type`. */
export const isType = {
  null: (type: DataType): boolean => type.typeId === 1,
  int: guard<Int>(2),
  float: guard<Float>(3),
  binary: guard<Binary>(4),
  utf8: guard<Utf8>(5),
  bool: guard<Bool>(6),
  decimal: guard<Decimal>(7),
  date: guard<Date_>(8),
  time: guard<Time>(9),
  timestamp: guard<Timestamp>(10),
  interval: guard<Interval>(11),
  list: guard<List>(12),
  struct: guard<Struct>(13),
  fixedSizeList: guard<FixedSizeList>(16),
  map: guard<Map_>(17),
  dictionary: guard<Dictionary>(-1),
};

/** Parts of a second in Arrow's `TimeUnit`: seconds, milliseconds, microseconds, nanoseconds. */
export const PER_SECOND: readonly bigint[] = [1n, 1_000n, 1_000_000n, 1_000_000_000n];

/** Double is 2 in Arrow's `Precision`. */
export const isDouble = (type: Float): boolean => Number(type.precision) === 2;

/** The batches as an Arrow stream. */
export async function arrowStream(schema: Schema, batches: readonly RecordBatch[]): Promise<Uint8Array> {
  const { RecordBatchStreamWriter } = await import("apache-arrow");
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  for (const batch of batches) writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}
