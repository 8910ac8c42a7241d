/**
 * A disk on which no file can grow any more (a limit of the operating system, which SQLite meets as a full disk). Invariant:
 * the door answers 503 with Retry-After, and what it acknowledged before is there, once, when there is room again.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { askedRows } from "../asked_rows.ts";
import { settled, startProgram } from "../program.ts";
import { transactionLine } from "../transaction_line.ts";

const BATCH = 2_000;
const MOST_BATCHES = 60;

Deno.test("a full disk is 503 with Retry-After, and nothing that was acknowledged is lost", async () => {
  const folder = await Deno.makeTempDir();
  const env = { DATA_DIR: folder, PARTITIONS: "1", CHECKPOINT_MS: "300", RATE_LIMIT_PER_SECOND: "0" };
  const acknowledged = new Set<string>();
  let refused: Response | null = null;
  {
    const program = await startProgram({ env, file_kib: 4_096 });
    for (let n = 0; n < MOST_BATCHES && refused === null; n++) {
      const ids = Array.from({ length: BATCH }, (_, i) => `e-${n}-${i}`);
      const answer = await fetch(`${program.url}/ingest/transaction`, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body: ids.map(transactionLine).join("\n"),
      });
      await answer.body?.cancel();
      if (answer.status === 202) ids.forEach((id) => acknowledged.add(id));
      else refused = answer;
    }
    strictEqual((await (await fetch(`${program.url}/health`)).json()).log, "degraded");
    const { dependencies } = await (await fetch(`${program.url}/readyz`)).json();
    const log = dependencies.find(({ name }: { name: string }) => name === "log");
    match(log.detail, /^Cannot append to the log .*: .*disk/);
    await program.kill();
  }
  ok(acknowledged.size > 0, "nothing was acknowledged");
  strictEqual(refused?.status, 503, "nothing was refused");
  ok(Number(refused.headers.get("retry-after")) > 0);
  const program = await startProgram({ env });
  try {
    await settled(program.url);
    const ids = (await askedRows(program, "SELECT event_id FROM transactions")).flat();
    const there = new Set(ids);
    strictEqual(ids.length, there.size);
    deepStrictEqual([...acknowledged].filter((id) => !there.has(id)), []);
  } finally {
    strictEqual(await program.stop(), 0);
    await Deno.remove(folder, { recursive: true });
  }
});
