/** A process of its own that appends numbered records to an embedded log, and prints each number once acknowledged, the log's id first. */
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { record } from "../contracts/log_contract.ts";
import { Fault } from "../../lib/errors.ts";

const [directory, name, count, padding] = Deno.args;
await using log = await openSqliteLog({ directory, partitions: 2 });
console.log((await log.identity("events")).id);
const encoder = new TextEncoder();
const value = (text: string) => encoder.encode(text.padEnd(Number(padding)));
for (let i = 0; i < Number(count); i++) {
  try {
    await log.append("events", [record("", i % 2, { value: value(`${name}:${i}`) })]);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    console.log(`fault ${error.code} ${error.blame} ${error.retry}`);
    break;
  }
  Deno.stdout.writeSync(encoder.encode(`${name}:${i}\n`));
}
