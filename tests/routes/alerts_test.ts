/** Alerts are listed by what one looks for, and acknowledged on the log. */
import { deepEqual, equal } from "node:assert/strict";
import { alert, id } from "./alert_rows.ts";
import { asked } from "./asked.ts";

Deno.test("an alert is acknowledged on the log, and shown so before the lake has it", async () => {
  using test = await asked({ status: () => Promise.resolve({ suppressed: { amount_anomaly: 4 } }) });
  await test.tables.insert("analytics.alerts", [alert(2), alert(3)]);
  const { status, body } = await test.send("POST", `/api/alerts/${id(3)}/ack`, { by: "Ada" });
  deepEqual([status, body.acknowledged_by], [200, "Ada"]);
  const [record] = test.records;
  deepEqual(JSON.parse(new TextDecoder().decode(record.value)), { alert_id: id(3), by: "Ada" });
  equal(record.headers.kind, "ack");
  equal(record.headers.source, "millrace");
  const second = await test.send("POST", `/api/alerts/${id(3)}/ack`, { by: "Bob" });
  deepEqual([second.body.acknowledged_by, test.records.length], ["Ada", 1]);
  const listed = (await test.get("/api/alerts")).body;
  deepEqual(listed.items.map((item: { acknowledged_by: string }) => item.acknowledged_by), ["Ada", null]);
  equal((await test.get("/api/alerts?state=acknowledged")).body.items.length, 1);
  equal((await test.get("/api/alerts?state=open")).body.items.length, 1);
  deepEqual(listed.suppressed, { amount_anomaly: 4 });
  equal((await test.send("POST", "/api/alerts/nope/ack", {})).status, 404);
});

Deno.test("an alert is acknowledged without a body, whatever its type is said to be", async () => {
  using test = await asked();
  await test.tables.insert("analytics.alerts", [alert(3)]);
  const { status, body } = await test.send("POST", `/api/alerts/${id(3)}/ack`, undefined);
  deepEqual([status, body.acknowledged_by], [200, "api"]);
});

Deno.test("an alert that somebody acknowledged before is answered with the first name, and adds nothing to the log", async () => {
  using test = await asked();
  await test.tables.insert("analytics.alerts", [alert(3), alert(4)]);
  await test.tables.insert("analytics.acknowledgements", [
    { alert_id: id(3), acknowledged_by: "Ada", acknowledged_at: "2027-01-14T00:00:00" },
    { alert_id: id(3), acknowledged_by: "Bob", acknowledged_at: "2027-01-15T00:00:00" },
  ]);
  const { body } = await test.send("POST", `/api/alerts/${id(3)}/ack`, { by: "Cleo" });
  deepEqual([body.acknowledged_by, test.records.length], ["Ada", 0]);
  const [, listed] = (await test.get("/api/alerts")).body.items;
  deepEqual(body, {
    alert_id: id(3),
    acknowledged_by: listed.acknowledged_by,
    acknowledged_at: listed.acknowledged_at,
  });
  const both = await Promise.all(
    ["Ada", "Bob"].map((by) => test.send("POST", `/api/alerts/${id(4)}/ack`, { by })),
  );
  deepEqual(new Set(both.map((one) => one.body.acknowledged_by)).size, 1);
});

Deno.test("alerts are filtered by state, rule and time", async () => {
  using test = await asked();
  await test.tables.insert("analytics.alerts", [alert(2), alert(3), alert(4, { rule: "rapid_activity" })]);
  await test.tables.insert("analytics.acknowledgements", [
    { alert_id: id(3), acknowledged_by: "Ada", acknowledged_at: "2027-01-14T00:00:00" },
    { alert_id: id(3), acknowledged_by: "Bob", acknowledged_at: "2027-01-15T00:00:00" },
  ]);
  const events = async (query: string) =>
    (await test.get(`/api/alerts?${query}`)).body.items.map((item: { event_id: string }) => item.event_id);
  deepEqual(await events(""), ["e4", "e3", "e2"]);
  deepEqual(await events("state=open"), ["e4", "e2"]);
  deepEqual(await events("state=acknowledged"), ["e3"]);
  deepEqual(await events("rule=rapid_activity"), ["e4"]);
  deepEqual(await events("from=2027-01-13&to=2027-01-14T00:00:00Z"), ["e3"]);
  const [seen] = (await test.get("/api/alerts?state=acknowledged")).body.items;
  equal(seen.acknowledged_by, "Ada");
  deepEqual(seen.trigger_event_ids, ["e3"]);
});

Deno.test("an acknowledgement by a name that nobody could read is refused, and the list goes on", async () => {
  using test = await asked();
  await test.tables.insert("analytics.alerts", [alert(2)]);
  for (const by of ["a\0b", "\ud800", "", "x".repeat(201)]) {
    const { status, body } = await test.send("POST", `/api/alerts/${id(2)}/ack`, { by });
    deepEqual([status, body.errors[0].field], [400, "by"], JSON.stringify(by));
  }
  equal(test.records.length, 0);
  deepEqual((await test.get("/api/alerts")).body.items.length, 1);
});
