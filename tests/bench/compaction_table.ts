/** What is compacted in the bench: the table of transactions, and the means that both sides have. */
import { kindsOf } from "../../lib/event/kinds.ts";
import { lakeTables } from "../../lib/lake/tables.ts";

export const THREADS = 2;
export const MEMORY_BYTES = 512 * 1024 * 1024;
export const TRANSACTIONS = lakeTables(kindsOf(), []).find(({ key }) => key === "processed.transactions")!;
