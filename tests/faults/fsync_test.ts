/**
 * A disk whose fsync fails (strace answers EIO in the kernel's place). Invariant: a webhook that could not be made durable is
 * answered 503 with Retry-After, whatever happens to later ones, and what was acknowledged is there, once, afterwards.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { askedRows } from "../asked_rows.ts";
import { type Program, settled, startProgram } from "../program.ts";
import { STRIPE_SECRET, stripeBody, stripeSignature } from "../stripe_sender.ts";

const WEBHOOKS = 120;
/** Of each thread the fsyncs from this one on fail, to this one where the disk gets well. */
const FIRST = 40;
const LAST = 60;

function canTrace(): boolean {
  try {
    return new Deno.Command("strace", { args: ["-qq", "-o", "/dev/null", "true"] }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The tracer is the program's grandchild, so that a signal to the child meets the program. */
function failing(which: string): string[] {
  const inject = `inject=fsync,fdatasync:error=EIO:when=${which}`;
  return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject];
}

for (const [how, which] of [["for good", `${FIRST}+`], ["for a while", `${FIRST}..${LAST}`]]) {
  Deno.test({
    name: `fsync that fails ${how} is 503 with Retry-After, and nothing that was acknowledged is lost`,
    ignore: !canTrace(),
    async fn() {
      const folder = await Deno.makeTempDir();
      const env = { DATA_DIR: folder, STRIPE_WEBHOOK_SECRET: STRIPE_SECRET, CHECKPOINT_MS: "300" };
      const acknowledged: string[] = [];
      const refused: Response[] = [];
      {
        const program = await startProgram({ env, under: failing(which) });
        for (let n = 0; n < WEBHOOKS; n++) {
          const answer = await send(program, n);
          if (answer.status === 202) acknowledged.push(`pi_${n}`);
          else if (refused.push(answer) === 1) strictEqual(await logCondition(program), "degraded");
        }
        await program.kill();
      }
      ok(acknowledged.length >= 10, `${acknowledged.length} acknowledged`);
      ok(refused.length >= 10, `${refused.length} refused`);
      for (const answer of refused) {
        strictEqual(answer.status, 503);
        ok(Number(answer.headers.get("retry-after")) > 0);
      }
      if (which.endsWith("+")) {
        strictEqual(acknowledged.at(-1), `pi_${acknowledged.length - 1}`, "none after the first");
      } else strictEqual(acknowledged.at(-1), `pi_${WEBHOOKS - 1}`, "it goes on by itself");
      const program = await startProgram({ env });
      try {
        await settled(program.url);
        const there = (await askedRows(program, "SELECT transaction_id FROM transactions")).flat();
        strictEqual(new Set(there).size, there.length);
        deepStrictEqual(acknowledged.filter((id) => !there.includes(id)), []);
      } finally {
        strictEqual(await program.stop(), 0);
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function send({ url }: Program, n: number): Promise<Response> {
  const created_s = Math.floor(Date.now() / 1000);
  const body = stripeBody({
    id: `evt_${n}`,
    payment: `pi_${n}`,
    amount_minor: 100 + n,
    created_s,
    user: "cus_1",
  });
  const headers = { "stripe-signature": stripeSignature(body, created_s) };
  const answer = await fetch(`${url}/hooks/stripe`, { method: "POST", headers, body });
  await answer.body?.cancel();
  return answer;
}

async function logCondition({ url }: Program): Promise<string> {
  return (await (await fetch(`${url}/health`)).json()).log;
}
