/** A clock that was days ahead and was set right: what came meanwhile makes everything late, and somebody is told. */
import { equal, match, ok } from "node:assert/strict";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { settled, startProgram } from "../program.ts";
import { eventually } from "../waiting.ts";
import { runCommand } from "./run_command.ts";

const DAY_MS = 86_400_000;

/** As the door writes it, on a machine whose clock is `ahead_ms` ahead. */
async function acceptByWrongClock(directory: string, ahead_ms: number): Promise<void> {
  await using log = await openSqliteLog({ directory, partitions: 4 });
  const received_at = Date.now() + ahead_ms;
  const event = { event_id: "e1", timestamp: received_at, user_id: "ada", amount: "1", currency: "EUR" };
  await log.append("events", [{
    partition: 0,
    key: "ada",
    value: new TextEncoder().encode(JSON.stringify({ ...event, status: "completed" })),
    headers: { source: "token", kind: "transaction", content_type: "application/json" },
    received_at,
  }]);
}

Deno.test("a partition whose time is ahead of the clock is told of in the log, the metrics and by doctor", async () => {
  const DATA_DIR = await Deno.makeTempDir();
  const env = { DATA_DIR, CHECKPOINT_MS: "300", PARTITIONS: "4" };
  await acceptByWrongClock(`${DATA_DIR}/log`, 2 * DAY_MS);
  const program = await startProgram({ env });
  try {
    await settled(program.url);
    const line = await eventually(
      () => program.lines.find((line) => line.includes("is ahead of the clock")),
      undefined,
      { what: "the warning" },
    );
    const { level, partition, ahead_seconds } = JSON.parse(line!);
    equal(level, "warn");
    equal(partition, 0);
    ok(ahead_seconds > 47 * 3600, line);
    const metrics = async () => await (await fetch(`${program.url}/metrics`)).text();
    const gauge = /^millrace_watermark_ahead_seconds\{partition="0"\} (\d+)$/m;
    const text = await eventually(metrics, (text) => gauge.test(text), { what: "the gauge" });
    ok(Number(gauge.exec(text)![1]) > 47 * 3600, text);
  } finally {
    equal(await program.stop(), 0);
  }
  const { stdout } = await runCommand(["doctor"], env);
  match(stdout, /^warn {2}event time: .*; the time of a partition is ahead of the clock/m);
  match(stdout, /^doctor: all is well$/m);
  await Deno.remove(DATA_DIR, { recursive: true });
});
