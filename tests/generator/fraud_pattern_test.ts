import { deepStrictEqual, ok } from "node:assert/strict";
import { CURRENCIES, type Currency, distanceKm } from "../../lib/generator/city.ts";
import { isQuiet, PATTERNS } from "../../lib/generator/fraud_pattern.ts";
import { isLabelled, isMalformed, type Told, told } from "./generated_events.ts";

const week = told({ count: 40_000, hours: 24 * 5, file: "users: 250\n" });

/** Labelled events of a rule, by burst, in the order of their times. */
function burstsOf(rule: string): Told[][] {
  const labelled = week.flatMap((one) =>
    one.labels.filter((label) => label.rule === rule).map(({ burst_id }) => ({ burst_id, one }))
  );
  const bursts = [...Map.groupBy(labelled, ({ burst_id }) => burst_id).values()];
  ok(bursts.length >= 3, `${rule} has ${bursts.length} bursts`);
  return bursts.map((burst) => burst.map(({ one }) => one));
}

/** The most events within `window_ms`, of ascending times. */
function busiest(events: readonly Told[], window_ms: number): number {
  const times = events.map((one) => one.event_time_ms).sort((a, b) => a - b);
  return Math.max(
    ...times.map((from) => times.filter((time) => time >= from && time < from + window_ms).length),
  );
}

const amountOf = (one: Told) => Number(one.body.amount);
const spent = Map.groupBy(
  week.filter((one) => one.kind === "transaction" && !isMalformed(one) && !isLabelled(one, /duplicate|late/)),
  (one) => String(one.body.user_id),
);

Deno.test("every pattern is injected", () => {
  const seen = new Set(week.flatMap(({ labels }) => labels.map(({ pattern }) => pattern)));
  deepStrictEqual(Object.keys(PATTERNS).filter((name) => !seen.has(name)), []);
});

Deno.test("a burst is of one customer, and its labels stand at every event of it", () => {
  for (const burst of burstsOf("rapid_fire_burst")) {
    deepStrictEqual(new Set(burst.map(({ body }) => body.user_id)).size, 1);
    ok(burst.length >= 6 && burst.every((one) => one.labels.some(({ rule }) => rule === "rapid_activity")));
  }
});

const VELOCITIES = [["rapid_activity", 5, 60_000], ["rapid_fire_burst", 5, 10_000], [
  "velocity_spike",
  30,
  3_600_000,
]] as const;

for (const [rule, count, window_ms] of VELOCITIES) {
  Deno.test(`${rule} is ${count} within ${window_ms / 1000} s, and nowhere without its label`, () => {
    for (const burst of burstsOf(rule)) ok(busiest(burst, window_ms) >= count);
    for (const events of spent.values()) {
      const others = events.filter((one) => !one.labels.some((label) => label.rule === rule));
      ok(busiest(others, window_ms) < count);
    }
  });
}

Deno.test("high_value_transaction is much money, and nowhere else is", () => {
  const isLarge = (one: Told) => Math.abs(amountOf(one)) > CURRENCIES[one.body.currency as Currency].large;
  for (const [one] of burstsOf("high_value_transaction")) ok(isLarge(one));
  const large = week.filter((one) => one.kind === "transaction" && !isMalformed(one) && isLarge(one));
  ok(large.every((one) => isLabelled(one, /high_value|duplicate/)));
});

Deno.test("amount_anomaly is far from all that its customer spent before, who spent often", () => {
  for (const [one] of burstsOf("amount_anomaly")) {
    const before = spent.get(String(one.body.user_id))!.filter((other) =>
      other.event_time_ms < one.event_time_ms
    );
    ok(before.length >= 10, `${before.length}`);
    const usual = before.map(amountOf).sort((a, b) => a - b);
    ok(amountOf(one) > 3 * usual[Math.floor(usual.length / 2)]);
  }
});

Deno.test("impossible_travel is over 900 km/h, and ends at home", () => {
  for (const burst of burstsOf("impossible_travel")) {
    const [home, far, , back] = burst.map(({ body, event_time_ms }) => ({
      lat: Number(body.lat),
      lon: Number(body.lon),
      event_time_ms,
    }));
    const hours = (far.event_time_ms - home.event_time_ms) / 3_600_000;
    ok(distanceKm(home, far) / hours > 900);
    ok(distanceKm(home, back) < 50);
  }
});

Deno.test("merchant_diversity_spike is eight shops or more among ten, and its echo stays below", () => {
  for (const burst of burstsOf("merchant_diversity_spike")) {
    const shops = burst.map(({ body }) => body.merchant_id);
    ok(new Set(shops.slice(0, 10)).size >= 8);
    ok(new Set(shops.slice(-10)).size < 8);
  }
});

Deno.test("card_testing is two failures and a large success within five minutes", () => {
  for (const burst of burstsOf("card_testing")) {
    deepStrictEqual(burst.map(({ body }) => body.status), ["failed", "failed", "completed"]);
    ok(amountOf(burst[2]) > 1000 && burst[2].event_time_ms - burst[0].event_time_ms < 300_000);
  }
});

Deno.test("unusual_hour is labelled at night only, and few buy then", () => {
  ok(burstsOf("unusual_hour").flat().every((one) => isQuiet(one.event_time_ms)));
  const purchases = week.filter((one) => one.kind === "transaction");
  const night = purchases.filter((one) => isQuiet(one.event_time_ms)).length / purchases.length;
  ok(night < 0.08, `${night}`);
});

Deno.test("fraud makes up the share that the file says", () => {
  const share = week.filter(({ labels }) => labels.some(({ rule }) => rule !== null)).length / week.length;
  ok(share > 0.015 && share < 0.022, `${share}`);
});
