/**
 * Payments that are sent again until they are acknowledged, through whatever happens to a cluster, and the proof
 * afterwards: each of them is one row, to the cent, for the program's own API, its accounting, its audit, and PyIceberg.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { exactSum } from "../kill_scenario.ts";
import { settled } from "../program.ts";
import { sendStripe, stripeBody, type StripePayment } from "../stripe_sender.ts";
import { type Cluster, CLUSTER_TOKEN } from "./cluster.ts";
import { eventually, pause } from "../waiting.ts";
import { countPayments } from "./foreign_count.ts";

const SENDERS = 4;
const PAUSE_MS = 10;
const AGAIN_MS = 50;
const QUESTION =
  `SELECT count(*) AS n, count(DISTINCT event_id) AS ids, sum(amount)::VARCHAR AS total FROM transactions`;

export interface PaymentParts {
  random: () => number;
  /** By event id: those of earlier payments to the same cluster too. */
  acknowledged: Map<string, StripePayment>;
}

export class Payments implements AsyncDisposable {
  readonly #over = new AbortController();
  readonly #sending: Promise<unknown>;

  constructor(readonly cluster: Cluster, private readonly parts: PaymentParts) {
    this.#sending = Promise.all(Array.from({ length: SENDERS }, (_, sender) => this.#send(sender)));
    this.#sending.catch(() => undefined);
  }

  get acknowledged(): Map<string, StripePayment> {
    return this.parts.acknowledged;
  }

  /** Resolves when so many more were acknowledged. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged.size + count;
    const size = async () => {
      // A sender ends by a fault only.
      await Promise.race([pause(20), this.#sending]);
      return this.acknowledged.size;
    };
    await eventually(size, (now) => now >= wanted, { what: `payment ${wanted}`, every_ms: 0 });
  }

  /** Ends the sending, and proves that exactly what was acknowledged is there. */
  async prove(): Promise<void> {
    await this[Symbol.asyncDispose]();
    const { cluster, acknowledged } = this;
    const expected = [acknowledged.size, acknowledged.size, exactSum(acknowledged.values())];
    const status = await settled(cluster.url, CLUSTER_TOKEN);
    const accounts = status.accounting as { source: string; rows: number; holds: boolean }[];
    ok(accounts.every(({ holds }) => holds), JSON.stringify(accounts));
    strictEqual(accounts.find(({ source }) => source === "stripe")?.rows, acknowledged.size);
    const [n, ids, total] = await cluster.ask(QUESTION);
    deepStrictEqual([Number(n), Number(ids), total], expected);
    const found = await countPayments({
      uri: `${cluster.url}/iceberg`,
      token: CLUSTER_TOKEN,
      "s3.access-key-id": cluster.s3.access_key_id,
      "s3.secret-access-key": cluster.s3.secret_access_key,
    });
    deepStrictEqual(found, { catalog: expected, files: expected });
    const { code, stdout } = await cluster.command("audit");
    strictEqual(code, 0, stdout);
    console.log(`${acknowledged.size} payments acknowledged and found`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#sending;
  }

  async #send(sender: number): Promise<void> {
    const run = crypto.randomUUID().slice(0, 8);
    for (let n = 0; !this.#over.signal.aborted; n++) {
      const payment = {
        id: `evt_${run}_${sender}_${n}`,
        payment: `pi_${run}_${sender}_${n}`,
        amount_minor: 100 + Math.floor(this.parts.random() * 100_000),
        created_s: Math.floor(Date.now() / 1000) - 30,
        user: `cus_${sender}_${n % 5}`,
      };
      const body = stripeBody(payment);
      // Also after the end: what may have been stored has to be acknowledged, or nobody knows what to count.
      while (!await sendStripe(this.cluster.url, body)) await pause(AGAIN_MS);
      this.acknowledged.set(payment.id, payment);
      await pause(PAUSE_MS);
    }
  }
}
