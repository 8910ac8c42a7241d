/**
 * Backups of the real program under load, restored elsewhere, started there.
 *
 * Invariant: every event that was acknowledged before the backup began is one row, no event is two, and the audit is
 * clean; while the server compacts, expires, collects and trims its log as often as it may.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { askedRows } from "../asked_rows.ts";
import { type Program, settled, startProgram } from "../program.ts";
import { transactionLine } from "../transaction_line.ts";
import { eventually, pause } from "../waiting.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const SENDERS = 3;
const BATCH = 20;
const FAST = {
  CHECKPOINT_MS: "200",
  COMPACT_EVERY_MS: "300",
  EXPIRE_EVERY_MS: "300",
  LOG_RETENTION_HOURS: "0",
  PARTITIONS: "2",
  RATE_LIMIT_PER_SECOND: "0",
};

interface Load {
  acknowledged: Set<string>;
  stop(): Promise<void>;
}

function load(program: Program): Load {
  const acknowledged = new Set<string>();
  let over = false;
  const sender = async (index: number) => {
    for (let n = 0; !over; n++) {
      const ids = Array.from({ length: BATCH }, (_, i) => `e-${index}-${n}-${i}`);
      const answer = await fetch(`${program.url}/ingest/transaction`, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body: ids.map(transactionLine).join("\n"),
      });
      strictEqual(answer.status, 202, await answer.text());
      for (const id of ids) acknowledged.add(id);
      await pause(20);
    }
  };
  const senders = Promise.all(Array.from({ length: SENDERS }, (_, index) => sender(index)));
  return {
    acknowledged,
    async stop() {
      over = true;
      await senders;
    },
  };
}

async function command(args: string[], env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...args],
    env,
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  strictEqual(code, 0, text);
  return text;
}

async function idsOf(program: Program): Promise<string[]> {
  return (await askedRows(program, "SELECT event_id FROM processed.transactions")).map(([id]) => String(id));
}

Deno.test("a backup under load, restored elsewhere, runs and holds every event that was acknowledged before", async () => {
  const folder = await Deno.makeTempDir();
  const program = await startProgram({ env: { ...FAST, DATA_DIR: `${folder}/data` } });
  const running = load(program);
  const before: Set<string>[] = [];
  const copies = [1, 2].map((n) => `${folder}/backup${n}`);
  try {
    for (const copy of copies) {
      const wanted = running.acknowledged.size + 50;
      await pause(3_000);
      await eventually(() => running.acknowledged.size, (size) => size > wanted, { what: "enough events" });
      before.push(new Set(running.acknowledged));
      await command(["backup", copy], { DATA_DIR: `${folder}/data` });
    }
  } finally {
    await running.stop();
    strictEqual(await program.stop(), 0);
  }
  for (const [i, copy] of copies.entries()) {
    const env = { ...FAST, DATA_DIR: `${folder}/restored${i}` };
    await command(["restore", copy], env);
    const again = await startProgram({ env });
    try {
      await settled(again.url);
      const ids = await idsOf(again);
      deepStrictEqual(ids.length, new Set(ids).size);
      const there = new Set(ids);
      const lost = [...before[i]].filter((id) => !there.has(id));
      deepStrictEqual(lost, []);
    } finally {
      strictEqual(await again.stop(), 0);
    }
    ok((await command(["audit"], env)).includes("audit: ok"));
  }
  await Deno.remove(folder, { recursive: true });
});
