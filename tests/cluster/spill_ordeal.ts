/**
 * The door in front of a broker that is away: it answers 202 and spills, is killed and started again meanwhile, answers 503
 * once its disk is full, and gives everything on in order once the broker is back.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { settled } from "../program.ts";
import { eventually, pause } from "../waiting.ts";
import { Cluster, CLUSTER_TOKEN } from "./cluster.ts";

const USERS = Array.from({ length: 6 }, (_, i) => `user-${i}`);
/** A small disk, though larger than what SQLite writes ahead; events that fill it soon, and ones that do not. */
const FILE_KIB = 24 * 1024;
const LARGE_CHARS = 60_000;
const SMALL_CHARS = 500;

/** Each user's events, one after the other: the next is sent when the one before was acknowledged. */
class Users {
  readonly acknowledged = new Map<string, string[]>(USERS.map((user) => [user, []]));
  note_chars = SMALL_CHARS;
  readonly refusals: { status: number; retry_after: string | null }[] = [];
  readonly #over = new AbortController();
  readonly #sending: Promise<unknown>;

  constructor(readonly cluster: Cluster) {
    this.#sending = Promise.all(USERS.map((user) => this.#send(user)));
    this.#sending.catch(() => undefined);
  }

  get count(): number {
    return [...this.acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0);
  }

  async until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const look = async () => {
      // A sender ends by a fault only.
      await Promise.race([pause(50), this.#sending]);
      return await isSo();
    };
    await eventually(look, Boolean, { what, every_ms: 0 });
  }

  async more(count: number): Promise<void> {
    const wanted = this.count + count;
    await this.until(() => this.count >= wanted, `${count} more events acknowledged`);
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#sending;
  }

  async #send(user: string): Promise<void> {
    for (let n = 0; !this.#over.signal.aborted; n++) {
      const event_id = `${user}-${n}`;
      const body = this.#body(user, event_id);
      while (!await this.#accepted(body)) await pause(100);
      this.acknowledged.get(user)!.push(event_id);
      await pause(5);
    }
  }

  #body(user: string, event_id: string): string {
    const amount = { amount: "1.00", currency: "EUR", status: "completed" };
    return JSON.stringify({
      event_id,
      timestamp: Date.now(),
      user_id: user,
      note: "x".repeat(this.note_chars),
      ...amount,
    });
  }

  async #accepted(body: string): Promise<boolean> {
    const headers = { "content-type": "application/json", authorization: `Bearer ${CLUSTER_TOKEN}` };
    try {
      const answer = await fetch(`${this.cluster.url}/ingest/transaction`, { method: "POST", headers, body });
      await answer.body?.cancel();
      if (answer.status === 202) return true;
      this.refusals.push({ status: answer.status, retry_after: answer.headers.get("retry-after") });
      return false;
    } catch (error) {
      // The door was killed.
      if (error instanceof TypeError) return false;
      throw error;
    }
  }
}

async function metric(cluster: Cluster, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${CLUSTER_TOKEN}` };
  const text = await (await fetch(`${cluster.url}/metrics`, { headers })).text();
  return Number(new RegExp(`^millrace_${name} (\\S+)`, "m").exec(text)?.[1]);
}

/** `outage_ms`: how long the broker is away at least before the disk is made small. */
export async function spillOrdeal({ outage_ms }: { outage_ms: number }): Promise<void> {
  await using cluster = await Cluster.start({ processes: 1 });
  const { broker } = cluster;
  const users = new Users(cluster);
  await users.more(50);
  await broker.kill();
  const before = users.count;
  await users.until(async () => await metric(cluster, "spill_records") > 20, "events are spilled");
  ok(await metric(cluster, "spill_bytes") > 20 * 500);
  ok(await metric(cluster, "spill_oldest_seconds") > 0);
  const ready = async () => {
    const answer = await fetch(`${cluster.url}/readyz`);
    return [answer.status, (await answer.json()).status].join(" ");
  };
  await eventually(ready, (said) => said === "200 degraded", { what: "a degraded door" });

  await cluster.kill("edge");
  await cluster.begin("edge");
  ok(await metric(cluster, "spill_records") >= 20, "the door forgot what it had spilled");
  await Promise.all([pause(outage_ms), users.more(50)]);
  await cluster.kill("edge");
  await cluster.begin("edge", {}, { file_kib: FILE_KIB });
  await users.more(50);
  users.note_chars = LARGE_CHARS;
  // The outage is long enough for a disk that is small enough.
  await users.until(() => users.refusals.some(({ status }) => status === 503), "the disk is full");
  ok(
    users.refusals.filter(({ status }) => status === 503).every(({ retry_after }) => Number(retry_after) > 0),
  );
  deepStrictEqual(users.refusals.filter(({ status }) => status !== 503), []);
  ok(users.count > before + 100);
  users.note_chars = SMALL_CHARS;
  await cluster.kill("edge");
  await cluster.begin("edge");
  await users.more(20);

  const status = await fetch(`${cluster.url}/api/status`, {
    headers: { authorization: `Bearer ${CLUSTER_TOKEN}` },
  });
  const { settled: isSettled, spill } = await status.json();
  ok(spill.records > 100 && spill.bytes > 0 && spill.oldest_seconds > 0, JSON.stringify(spill));
  strictEqual(isSettled, false);

  await broker.start();
  await users.until(async () => await metric(cluster, "spill_records") === 0, "the spill is drained");
  await users.more(50);
  await users.end();
  await settled(cluster.url, CLUSTER_TOKEN);
  for (const user of USERS) {
    const [ids] = await cluster.ask(
      `SELECT list(event_id ORDER BY log_partition, log_offset) FROM transactions WHERE user_id = '${user}'`,
    );
    deepStrictEqual(ids, users.acknowledged.get(user), user);
  }
  const { code, stdout } = await cluster.command("audit");
  strictEqual(code, 0, stdout);
}
