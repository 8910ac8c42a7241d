/**
 * What no retry mends stops the program with a sentence, before it takes an event: another log, an older copy of its log, a
 * log that lost what was not processed.
 */
import { doesNotMatch, match, strictEqual } from "node:assert/strict";
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

/** Starts the program, which ends by itself and never listens: what it took then would be lost with that log. */
async function stopped(env: Record<string, string>): Promise<string> {
  const { code, stderr, stdout } = await runCommand(["all"], { ...env, PORT: "0", LOG_FORMAT: "json" });
  strictEqual(code, 1, stdout);
  doesNotMatch(stdout, /listening/);
  return stderr;
}

Deno.test("the program stops and says why when its log was replaced, or is older, or lost what was not processed", async () => {
  const folder = await Deno.makeTempDir();
  const env = { DATA_DIR: folder, PARTITIONS: "1", CHECKPOINT_MS: "300" };
  const program = await startProgram({ env });
  await send(program.url, 20);
  await settled(program.url);
  strictEqual(await program.stop(), 0);

  await Deno.rename(`${folder}/log`, `${folder}/older`);
  match(await stopped(env), /its checkpoints belong to log .* but this is log .*Bring the old log back/s);
  await Deno.remove(`${folder}/log`, { recursive: true });
  await Deno.mkdir(`${folder}/log`);
  for await (const { name } of Deno.readDir(`${folder}/older`)) {
    await Deno.copyFile(`${folder}/older/${name}`, `${folder}/log/${name}`);
  }

  const further = await startProgram({ env });
  await send(further.url, 5);
  await settled(further.url);
  strictEqual(await further.stop(), 0);
  await Deno.rename(`${folder}/log`, `${folder}/kept`);
  await Deno.rename(`${folder}/older`, `${folder}/log`);
  match(await stopped(env), /its checkpoint stands at offset \d+, the log ends at \d+/);
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
