/** What no retry mends stops the program with a sentence: another log, a log that lost what was not processed. */
import { match, strictEqual } from "node:assert/strict";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { runCommand } from "../commands/run_command.ts";
import { settled, startProgram } from "../program.ts";
import { transactionLine } from "../transaction_line.ts";

async function send(url: string, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, i) => transactionLine(`e-${Date.now()}-${i}`));
  const answer = await fetch(`${url}/ingest/transaction`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: lines.join("\n"),
  });
  strictEqual(answer.status, 202, await answer.text());
}

/** Starts the program, which ends by itself. */
async function stopped(env: Record<string, string>): Promise<string> {
  const { code, stderr, stdout } = await runCommand(["all"], { ...env, PORT: "0" });
  strictEqual(code, 1, stdout);
  return stderr;
}

Deno.test("the program stops and says why when its log was replaced, or lost what was not processed", async () => {
  const folder = await Deno.makeTempDir();
  const env = { DATA_DIR: folder, PARTITIONS: "1", CHECKPOINT_MS: "300" };
  const program = await startProgram({ env });
  await send(program.url, 20);
  await settled(program.url);
  strictEqual(await program.stop(), 0);

  await Deno.rename(`${folder}/log`, `${folder}/kept`);
  match(await stopped(env), /its checkpoints belong to log .* but this is log .*Bring the old log back/s);
  await Deno.remove(`${folder}/log`, { recursive: true });
  await Deno.rename(`${folder}/kept`, `${folder}/log`);

  {
    // Retention passes what nobody has processed.
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    for (let i = 0; i < 3; i++) {
      await log.append("events", [{
        partition: 0,
        key: null,
        value: new TextEncoder().encode(transactionLine(`late-${i}`)),
        headers: { source: "token", kind: "transaction", content_type: "application/json" },
        received_at: Date.now(),
      }]);
    }
    const { end } = await log.bounds("events", 0);
    await log.trim("events", 0, end - 1);
  }
  match(
    await stopped(env),
    /Cannot continue partition 0: offset \d+ is next, but the log begins at \d+; 2 records are gone/,
  );
  await Deno.remove(folder, { recursive: true });
});
