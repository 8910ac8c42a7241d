/** Arrow as the engine's package brings it: the one place that names its version, for values and for types. */
export { DataType, Precision, RecordBatchStreamWriter, TimeUnit } from "npm:apache-arrow@17.0.0";
export type { Data, RecordBatch, Schema } from "npm:apache-arrow@17.0.0";
