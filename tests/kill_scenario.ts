/**
 * Kill -9 at random moments while webhooks come, with every sender trying again until it is acknowledged.
 *
 * Invariants: every acknowledged payment is one row, no payment is two, sums agree to the cent, and the program's own
 * accounting holds. The seed is printed, so that a failure can be run again.
 */
import { type Program, type ProgramOptions, settled, startProgram } from "./program.ts";
import { sendStripe, STRIPE_SECRET, stripeBody, type StripePayment } from "./stripe_sender.ts";
import { eventually, pause } from "./waiting.ts";

export interface KillScenario {
  kills: number;
  /** So many times the whole program stands still for a while, as under a laptop's lid, and goes on. */
  lids?: number;
  senders: number;
  env: Record<string, string>;
  seed: number;
  /** Between kills, so often: senders pause, the program settles, and this looks at it. */
  every?: number;
  check?: (outcome: KillOutcome) => Promise<void>;
  /** Starts whatever must run, with this environment; called again after each kill. */
  start?: (options: ProgramOptions) => Promise<Program>;
}

export interface KillOutcome {
  /** Every payment that was acknowledged, by event id. */
  acknowledged: Map<string, StripePayment>;
  program: Program;
  status: Record<string, unknown>;
}

/** Fewer payments would prove little; so many come within seconds. */
const MANY = 200;

/** mulberry32: small, seeded. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Where senders wait between two payments, so that what was acknowledged stands still for a while. */
class Gate {
  #state: "open" | "closed" | "over" = "open";
  #waiting = 0;

  /** False when there is nothing more to send. */
  async pass(): Promise<boolean> {
    this.#waiting++;
    while (this.#state === "closed") await pause(10);
    this.#waiting--;
    return this.#state !== "over";
  }

  /** Resolves when so many wait. */
  async close(senders: number): Promise<void> {
    this.#state = "closed";
    while (this.#waiting < senders) await pause(10);
  }

  open(): void {
    this.#state = "open";
  }

  end(): void {
    this.#state = "over";
  }
}

/** Longer than several checkpoint intervals; timers that came due meanwhile all come at once. */
async function closeLid(program: Program, random: () => number): Promise<void> {
  Deno.kill(program.pid, "SIGSTOP");
  await pause(500 + random() * 2_000);
  Deno.kill(program.pid, "SIGCONT");
}

/** Leaves the program running and settled; the caller asks its questions and stops it. */
export async function killScenario(scenario: KillScenario): Promise<KillOutcome> {
  const random = seededRandom(scenario.seed);
  console.log(`kill scenario: seed ${scenario.seed}, ${scenario.kills} kills`);
  const env = {
    STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    CHECKPOINT_MS: "300",
    RATE_LIMIT_PER_SECOND: "0",
    ...scenario.env,
  };
  const start = scenario.start ?? startProgram;
  const current = { program: await start({ env }) };
  const acknowledged = new Map<string, StripePayment>();
  const gate = new Gate();
  const sender = async (index: number) => {
    for (let n = 0; await gate.pass(); n++) {
      const payment: StripePayment = {
        id: `evt_${index}_${n}`,
        payment: `pi_${index}_${n}`,
        amount_minor: 100 + Math.floor(random() * 100_000),
        created_s: Math.floor(Date.now() / 1000) - 30,
        user: `cus_${index}_${n % 7}`,
      };
      const body = stripeBody(payment);
      while (!await sendStripe(current.program.url, body)) await pause(20);
      acknowledged.set(payment.id, payment);
      // Now and then the sender never heard our answer, and tries again.
      if (random() < 0.05) await sendStripe(current.program.url, body);
    }
  };
  const senders = Array.from({ length: scenario.senders }, (_, index) => sender(index));
  const outcome = async (): Promise<KillOutcome> => ({
    acknowledged,
    program: current.program,
    status: await settled(current.program.url),
  });
  for (let kill = 0; kill < scenario.kills; kill++) {
    await pause(100 + random() * 1_200);
    if (kill < (scenario.lids ?? 0)) {
      await closeLid(current.program, random);
      await pause(random() * 600);
    }
    await current.program.kill();
    current.program = await start({ env });
    if (!scenario.check || (kill + 1) % (scenario.every ?? 1) !== 0) continue;
    await gate.close(scenario.senders);
    await scenario.check(await outcome());
    gate.open();
  }
  await eventually(() => acknowledged.size, (size) => size > MANY, { what: "enough payments" });
  gate.end();
  await Promise.all(senders);
  return await outcome();
}

/** Sum in the currency's major unit, exact, as decimal text with four digits (as `decimal(18,4)` writes it). */
export function exactSum(payments: Iterable<StripePayment>): string {
  let minor = 0n;
  for (const payment of payments) minor += BigInt(payment.amount_minor);
  return `${minor / 100n}.${String(minor % 100n).padStart(2, "0")}00`;
}
