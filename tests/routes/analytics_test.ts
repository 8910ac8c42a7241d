/** Trends, anomalies and merchants, their SQL run by a real engine. */
import { deepEqual, equal } from "node:assert/strict";
import { alert, id } from "./alert_rows.ts";
import { asked } from "./asked.ts";

const TRANSACTIONS = "processed.transactions";

function payment(day: string, amount: string, more: Record<string, unknown> = {}) {
  return {
    user_id: "u'1",
    event_time: `${day}T10:00:00.000`,
    amount,
    currency: "EUR",
    status: "completed",
    merchant_id: "m1",
    merchant_name: "Mill & Co",
    ...more,
  };
}

Deno.test("trends adds up days by currency and runs the mean over them", async () => {
  using test = await asked();
  await test.tables.insert(TRANSACTIONS, [
    payment("2027-01-10", "10.0000"),
    payment("2027-01-10", "20.0000", { status: "approved" }),
    payment("2027-01-10", "5.5000", { currency: "USD" }),
    payment("2027-01-12", "60.0000"),
    payment("2027-01-12", "99.0000", { status: "failed" }),
    payment("2027-01-12", "7.0000", { user_id: "u2" }),
    payment("2026-11-01", "1000.0000"),
  ]);
  const { body } = await test.get("/api/users/u'1/trends");
  deepEqual(body.items, [
    { day: "2027-01-12", currency: "EUR", total: 60, count: 1, average: 60, running_mean: 30 },
    { day: "2027-01-10", currency: "EUR", total: 30, count: 2, average: 15, running_mean: 15 },
    { day: "2027-01-10", currency: "USD", total: 5.5, count: 1, average: 5.5, running_mean: 5.5 },
  ]);
  equal(body.cursor, null);
  const first = await test.get("/api/users/u'1/trends?limit=2");
  const second = await test.get(`/api/users/u'1/trends?limit=2&cursor=${first.body.cursor}`);
  deepEqual([...first.body.items, ...second.body.items], body.items);
});

Deno.test("merchants are ranked by revenue in each currency, refunds taken off", async () => {
  using test = await asked();
  await test.tables.insert(TRANSACTIONS, [
    payment("2027-01-10", "100.0000"),
    payment("2027-01-11", "-30.0000", { status: "refunded", merchant_name: "Mill & Sons" }),
    payment("2027-01-11", "80.0000", { merchant_id: "m2", merchant_name: null }),
    payment("2027-01-11", "75.0000", { currency: "USD" }),
    payment("2027-01-11", "500.0000", { status: "declined" }),
    payment("2027-01-11", "500.0000", { merchant_id: null }),
  ]);
  const { body } = await test.get("/api/merchants/top");
  deepEqual(body.items, [
    { merchant_id: "m2", merchant_name: null, currency: "EUR", revenue: 80, count: 1 },
    { merchant_id: "m1", merchant_name: "Mill & Co", currency: "USD", revenue: 75, count: 1 },
    { merchant_id: "m1", merchant_name: "Mill & Sons", currency: "EUR", revenue: 70, count: 2 },
  ]);
  equal((await test.get("/api/merchants/top?currency=usd")).body.items.length, 1);
  const first = await test.get("/api/merchants/top?limit=2");
  const rest = await test.get(`/api/merchants/top?limit=2&cursor=${first.body.cursor}`);
  deepEqual([...first.body.items, ...rest.body.items], body.items);
});

Deno.test("anomalies come newest first, with amount and deviation, filtered", async () => {
  using test = await asked();
  const noContext = { context: { suppressed: 0 }, rule: "rapid_activity", severity: "medium" };
  await test.tables.insert("analytics.alerts", [alert(2), alert(3), alert(4, noContext)]);
  await test.tables.insert(TRANSACTIONS, [
    payment("2027-01-14", "77.0000", { log_partition: 0, log_offset: 4, currency: "JPY", z_score: 1.5 }),
  ]);
  const { body } = await test.get("/api/anomalies");
  deepEqual(body.items.map((item: { event_id: string }) => item.event_id), ["e4", "e3", "e2"]);
  deepEqual(body.items[0], {
    alert_id: id(4),
    rule: "rapid_activity",
    severity: "medium",
    user_id: "u1",
    event_id: "e4",
    event_time: "2027-01-14T10:00:00.123456Z",
    amount: 77,
    currency: "JPY",
    z_score: 1.5,
  });
  const ids = async (query: string) =>
    (await test.get(`/api/anomalies?${query}`)).body.items.map((item: { event_id: string }) => item.event_id);
  deepEqual(await ids("min_z=3"), ["e3"]);
  deepEqual(await ids("rule=amount_anomaly&severity=high"), ["e3", "e2"]);
  deepEqual(await ids("user_id=u2"), []);
  deepEqual(await ids("days=2"), ["e4", "e3"]);
  const first = (await test.get("/api/anomalies?limit=2")).body;
  deepEqual(await ids(`limit=2&cursor=${first.cursor}`), ["e2"]);
});

Deno.test("questions refuse what they cannot read, and quotes in values stay values", async () => {
  using test = await asked();
  await test.tables.insert("analytics.alerts", [alert(2)]);
  for (
    const query of [
      "days=0",
      "days=x",
      "min_z=1e9",
      "min_z=1;DROP",
      "severity=worst",
      "limit=-1",
      "cursor=%00",
      "user_id=%00",
      "rule=a%00b",
    ]
  ) {
    const { status, body } = await test.get(`/api/anomalies?${query}`);
    deepEqual([status, body.errors?.[0].field], [400, query.split("=")[0]], query);
  }
  const nul = await test.get("/api/users/a%00b/trends");
  deepEqual([nul.status, nul.body.errors?.[0].field], [400, "id"]);
  const hostile = encodeURIComponent("x' OR '1'='1");
  equal((await test.get(`/api/anomalies?user_id=${hostile}`)).body.items.length, 0);
  equal((await test.get(`/api/users/${hostile}/trends`)).body.items.length, 0);
  const cursor = btoa(JSON.stringify(["2027-01-01' OR true --", "x"]));
  equal((await test.get(`/api/users/u/trends?cursor=${cursor}`)).status, 400);
});

Deno.test("questions answer with nothing while their tables are not there", async () => {
  using test = await asked({ missing: ["analytics.alerts", TRANSACTIONS] });
  for (const path of ["/api/anomalies", "/api/alerts", "/api/users/u/trends", "/api/merchants/top"]) {
    const { status, body } = await test.get(path);
    deepEqual([status, body.items, body.cursor], [200, [], null], path);
  }
});
