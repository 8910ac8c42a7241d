/** The one list of kinds: those that come with the program, and those of `config/kinds.yaml`. */
import { apiCall } from "./api_call.ts";
import { clickstream } from "./clickstream.ts";
import type { Kind } from "./kind.ts";
import { sensorReading } from "./sensor_reading.ts";
import { transaction } from "./transaction.ts";
import { transactionStatus } from "./transaction_status.ts";
import { userActivity } from "./user_activity.ts";

export const SHIPPED_KINDS: readonly Kind[] = [
  transaction,
  transactionStatus,
  clickstream,
  sensorReading,
  apiCall,
  userActivity,
];

/** `POST /ingest/event` takes any object under this name; it is kept in raw and becomes no row. */
export const ANY_EVENT = "event";

/** Kinds by name. */
export type Kinds = ReadonlyMap<string, Kind>;

/** The shipped kinds and `own` ones together. */
export function kindsOf(own: readonly Kind[] = []): Kinds {
  return new Map([...SHIPPED_KINDS, ...own].map((kind) => [kind.name, kind]));
}
