/** The role `query` as somebody on call asks it: it knows the store alone. */
import { deepEqual, doesNotMatch, equal } from "node:assert/strict";
import { settled, startProgram } from "../program.ts";
import { transactionLine } from "../transaction_line.ts";

Deno.test("a query role that was there before the lake tells of it, and does not say what only the log knows", async () => {
  const folder = await Deno.makeTempDir();
  const env = { DATA_DIR: folder, PARTITIONS: "2", CHECKPOINT_MS: "300" };
  const query = await startProgram({ role: "query", env });
  const program = await startProgram({ env });
  await (await fetch(`${program.url}/ingest/transaction`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: transactionLine("order-1"),
  })).body?.cancel();
  await settled(program.url);

  const status = await (await fetch(`${query.url}/api/status`)).json();
  equal(status.partitions.length, 2);
  deepEqual(status.accounting.map((one: { source: string; rows: number }) => [one.source, one.rows]), [
    ["token", 1],
  ]);
  deepEqual([status.settled, status.freshness_seconds], [false, null]);
  doesNotMatch(await (await fetch(`${query.url}/metrics`)).text(), /^millrace_freshness_seconds/m);

  deepEqual([await query.stop(), await program.stop()], [0, 0]);
  await Deno.remove(folder, { recursive: true });
});
