/** A thread of the real program fails, is started again with pauses, and goes on once it can. */
import { ok, strictEqual } from "node:assert/strict";
import { AT_REST, settled, startProgram } from "../program.ts";
import { transactionLine } from "../transaction_line.ts";
import { eventually } from "../waiting.ts";

async function restarts(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/millrace_worker_restarts_total\{worker="maintain"\} (\d+)/.exec(text)?.[1] ?? 0);
}

async function send(url: string, event_id: string): Promise<void> {
  const answer = await fetch(`${url}/ingest/transaction`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: transactionLine(event_id),
  });
  strictEqual(answer.status, 202, await answer.text());
}

Deno.test("a thread that fails is started again, and what it left undone is done", async () => {
  const folder = await Deno.makeTempDir();
  const env = { DATA_DIR: folder, PARTITIONS: "1", CHECKPOINT_MS: "300", ...AT_REST };
  const program = await startProgram({ env });
  try {
    await send(program.url, "first");
    await settled(program.url);
    // Where files are made before they are stored, nothing can be made any more.
    await Deno.remove(`${folder}/tmp`, { recursive: true });
    await Deno.writeTextFile(`${folder}/tmp`, "");
    await send(program.url, "second");
    await eventually(() => restarts(program.url), (count) => count >= 2, { what: "a second start" });
    await Deno.remove(`${folder}/tmp`);
    const status = await settled(program.url);
    const accounts = status.accounting as { source: string; rows: number }[];
    strictEqual(accounts.find(({ source }) => source === "token")?.rows, 2);
    ok(program.lines.some((line) => line.includes("maintain ended unexpectedly; starting again")));
  } finally {
    strictEqual(await program.stop(), 0);
    await Deno.remove(folder, { recursive: true });
  }
});
