import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { createJudge } from "../../lib/event/judge.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { DEFECT_NAMES } from "../../lib/generator/defect.ts";
import { Generator } from "../../lib/generator/generator.ts";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";
import { DEMO_SOURCE } from "../../lib/generator/on_log.ts";
import { createSources } from "../../lib/source/sources.ts";
import { BEGIN_MS, isLabelled, isMalformed, type Told, told } from "./generated_events.ts";

const kinds = kindsOf();
const { judge } = createJudge({ kinds, sources: createSources() });
const judged = ({ kind, value, told_ms }: Told) =>
  judge({
    partition: 0,
    offset: 0,
    key: null,
    value,
    headers: { source: DEMO_SOURCE, kind, content_type: "application/json" },
    received_at: told_ms,
  });

const day = told();

Deno.test("Generator gives the same bytes and labels for the same seed, and others for another", () => {
  const of = (seed: number) =>
    told({ seed, count: 2000, hours: 3 }).map(({ value, labels }) => [value, labels]);
  deepStrictEqual(of(5), of(5));
  notDeepStrictEqual(of(5), of(6));
});

Deno.test("Generator tells events of every kind, as often as their weights say", () => {
  const counts = new Map<string, number>();
  for (const { kind } of day) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  deepStrictEqual([...counts.keys()].sort(), [...kinds.keys()].sort());
  const share = counts.get("clickstream")! / day.length;
  ok(share > 0.28 && share < 0.36, `${share}`);
});

Deno.test("Generator makes right events of everything that is not labelled as broken", () => {
  for (const one of day.filter((event) => !isMalformed(event))) {
    const judgement = judged(one);
    strictEqual(judgement.verdict, "row", JSON.stringify([judgement, one.body]));
  }
});

Deno.test("Generator breaks events in every way, and the judge names the way of the label", () => {
  const broken = told({ count: 4000, file: "malformed_share: 0.5\n" }).filter(isMalformed);
  const seen = new Set<string>();
  for (const one of broken) {
    const [reason, code] = one.labels[0].pattern.split(":");
    seen.add(one.labels[0].pattern);
    if (reason === "id_conflict") continue;
    const judgement = judged(one);
    if (judgement.verdict !== "dead_letter") throw new Error(`${one.labels[0].pattern} was no dead letter`);
    strictEqual(judgement.reason, reason);
    if (reason === "schema" && code !== "no_object") {
      ok(judgement.errors.every((error) => error.code === code), JSON.stringify(judgement.errors));
    }
  }
  deepStrictEqual([...seen].sort(), [...DEFECT_NAMES, "id_conflict"].sort());
});

Deno.test("Generator gives an id to another event only where the label says so", () => {
  const byId = new Map<string, Uint8Array>();
  const counts = { id_conflict: 0, duplicate: 0 };
  for (const one of day) {
    if (one.event_id === null) continue;
    const before = byId.get(one.event_id);
    if (before === undefined) byId.set(one.event_id, one.value);
    else if (isLabelled(one, "duplicate")) {
      deepStrictEqual(one.value, before);
      counts.duplicate++;
    } else {
      ok(isLabelled(one, "id_conflict"), one.event_id);
      notDeepStrictEqual(one.value, before);
      counts.id_conflict++;
    }
  }
  ok(counts.duplicate > 50 && counts.id_conflict > 0, JSON.stringify(counts));
});

Deno.test("Generator tells late events over an hour late, disordered ones by less than anybody's pause", () => {
  const behind = (pattern: string) =>
    day.filter((one) => isLabelled(one, pattern)).map((one) => one.told_ms - one.event_time_ms);
  ok(behind("late").length > 10 && behind("out_of_order").length > 100);
  for (const ms of behind("late")) ok(ms > 3_610_000);
  for (const ms of behind("out_of_order")) ok(ms > 0 && ms < 130_000);
});

Deno.test("Generator labels as bots exactly those that the kind takes for bots", () => {
  const clicks = day.filter(({ kind, ...one }) =>
    kind === "clickstream" && !isLabelled({ kind, ...one }, /dup|conf/)
  );
  for (const one of clicks) {
    const checked = kinds.get("clickstream")!.check(one.body);
    strictEqual(checked.ok && checked.event.cells.is_bot, isLabelled(one, "bot"));
  }
  ok(clicks.some((one) => isLabelled(one, "bot")));
});

Deno.test("Generator sells in sessions that end with what was put into the cart", () => {
  const purchases = day.filter(({ body }) => body.event_type === "purchase");
  ok(purchases.length > 50);
  for (const { body } of purchases) ok(Number(body.price_cents) > 0 && Number(body.quantity) >= 1);
});

Deno.test("Generator brings goods back: a refund is the negative of an earlier purchase of the same payment", () => {
  const refunds = day.filter(({ body, ...one }) => body.status === "refunded" && !isLabelled(one, /./));
  ok(refunds.length > 5);
  for (const { body } of refunds) {
    const bought = day.find((one) =>
      one.body.transaction_id === body.transaction_id && one.body.status === "completed"
    );
    strictEqual(Number(body.amount), -Number(bought?.body.amount));
    strictEqual(body.user_id, bought?.body.user_id);
  }
});

Deno.test("Generator.configure counts from the next event on, and lets bursts under way end", () => {
  const generator = new Generator({
    seed: 2,
    config: readGeneratorFile("fraud_share: 0.3\npatterns: {spike: 0, travel: 0}\n"),
    events_per_second: 10,
  });
  const at = (i: number) => generator.next(BEGIN_MS + 36_000_000 + i * 100);
  const before = Array.from({ length: 5000 }, (_, i) => at(i));
  generator.configure(readGeneratorFile("fraud_share: 0\nmalformed_share: 0\nduplicate_share: 0\n"), 10);
  const drained = Array.from({ length: 36_000 }, (_, i) => at(5000 + i)).slice(-20_000);
  ok(before.some(({ labels }) => labels.some(({ rule }) => rule !== null)));
  deepStrictEqual(drained.filter(({ labels }) => labels.some(({ rule }) => rule !== null)), []);
});

Deno.test("Generator begins no burst once the share of fraud is 0, whatever it still owes", () => {
  const owing = readGeneratorFile(
    "fraud_share: 0.5\npatterns: {high_value: 0, rapid_activity: 0, rapid_fire: 0, spike: 0, amount_anomaly: 0, " +
      "travel: 0, diversity: 0, card_testing: 0, night: 1}\n",
  );
  const generator = new Generator({ seed: 2, config: owing, events_per_second: 10 });
  // By day nobody can be caught buying at night.
  const at = (i: number) => generator.next(BEGIN_MS + 36_000_000 + i * 100);
  for (let i = 0; i < 1000; i++) at(i);
  generator.configure(readGeneratorFile("fraud_share: 0\n"), 10);
  const rest = Array.from({ length: 2000 }, (_, i) => at(1000 + i));
  deepStrictEqual(rest.filter(({ labels }) => labels.some(({ rule }) => rule !== null)), []);
});

Deno.test("nobody buys twice within 130 s unless fraud does, however high the rate", () => {
  const busy = told({
    count: 20_000,
    hours: 0.5,
    file: "users: 20\nduplicate_share: 0\nmalformed_share: 0\n",
  });
  const last = new Map<string, number>();
  const purchases = busy.filter(({ kind, labels, body }) =>
    kind === "transaction" && body.status !== "refunded" &&
    !labels.some(({ rule, pattern }) => rule || pattern === "late")
  );
  ok(purchases.length > 5000);
  for (const { told_ms, body } of purchases) {
    const user_id = String(body.user_id);
    ok(told_ms - (last.get(user_id) ?? -Infinity) >= 130_000, user_id);
    last.set(user_id, told_ms);
  }
});
