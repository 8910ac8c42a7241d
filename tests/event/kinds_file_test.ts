import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { readKindsFile } from "../../lib/event/kinds_file.ts";

const GOOD = `
kinds:
  - name: shipment
    table: shipments
    doc: A parcel that moved.
    partition: [parcel_id]
    fields:
      - {name: parcel_id, type: id, doc: The parcel.}
      - {name: state, type: enum, values: [packed, sent], doc: Where it stands.}
      - {name: weight_grams, type: integer, min: 1, max: 100000, optional: true, doc: Its weight.}
      - {name: constructor, type: text, optional: true, doc: Who built it.}
      - {name: due, type: timestamp, optional: true, doc: When it must arrive.}
`;

function refusal(text: string): string {
  try {
    readKindsFile(text);
    return "taken";
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

Deno.test("readKindsFile makes kinds that check as the shipped ones do", () => {
  const [shipment] = readKindsFile(GOOD);
  strictEqual(kindsOf([shipment]).get("shipment"), shipment);
  strictEqual(shipment.table, "shipments");
  const body = { event_id: "e", timestamp: 1, parcel_id: "p", state: "sent", due: "2026-01-31T09:30:00Z" };
  const checked = shipment.check(body);
  deepStrictEqual(checked.ok && checked.event.cells, {
    parcel_id: "p",
    state: "sent",
    weight_grams: null,
    constructor: null,
    due: "2026-01-31T09:30:00.000",
    extra: null,
  });
  strictEqual(shipment.partitionKey(body), "p");
  const wrong = shipment.check({ ...body, state: "lost", weight_grams: 0 });
  deepStrictEqual(!wrong.ok && wrong.faults.map(({ field, code }) => `${field} ${code}`), [
    "state invalid_enum",
    "weight_grams out_of_range",
  ]);
  ok(shipment.check(shipment.example).ok);
  deepStrictEqual(shipment.columns.map((column) => column.type), [
    "string",
    "string",
    "int",
    "string",
    "timestamp",
  ]);
});

Deno.test("an own kind's events of one cell have one partition key, however they were written", () => {
  const keys = (field: string, ...values: unknown[]) => {
    const [kind] = readKindsFile(`
kinds:
  - {name: own, doc: Own., partition: [at], fields: [{name: at, doc: Where., ${field}}]}`);
    const found = values.map((at, index) => {
      const body = { event_id: `e${index}`, timestamp: 1, at };
      const checked = kind.check(body);
      ok(checked.ok);
      return [checked.event.cells.at, kind.partitionKey(body)];
    });
    strictEqual(new Set(found.map(([cell]) => cell)).size, 1);
    strictEqual(new Set(found.map(([, key]) => key)).size, 1);
    return found[0][1];
  };
  strictEqual(keys("type: country", "de", "DE", "De"), "DE");
  strictEqual(keys("type: currency", "eur", "EUR"), "EUR");
  strictEqual(keys("type: text, normal: trim_lower", " A", "a "), "a");
  strictEqual(keys("type: text", "", ""), "");
  strictEqual(keys("type: amount", 1, "1.0", "1.00"), "1.0000");
  strictEqual(keys("type: number", 1.5, 1.5), "1.5");
  strictEqual(String(keys("type: text", "x".repeat(500), "x".repeat(500))).length, 64);
});

Deno.test("readKindsFile takes no file, and an empty one, for no kinds", () => {
  for (const text of [null, "", "# nothing\n", "kinds:\n", "kinds: []"]) {
    deepStrictEqual(readKindsFile(text), []);
  }
  deepStrictEqual(
    readKindsFile(Deno.readTextFileSync(new URL("../../config/kinds.yaml", import.meta.url))),
    [],
  );
});

Deno.test("readKindsFile refuses a bad file whole, with line and reason", () => {
  const broken: [string, string, RegExp][] = [
    ["name: shipment", "name: transaction", /line 3: .*taken/],
    ["name: shipment", "name: Shipment", /line 3: .*no name/],
    ["table: shipments", "table: dead_letters", /line 4: .*taken/],
    ["partition: [parcel_id]", "partition: [nothing]", /line 6: .*no field/],
    ["type: id", "type: uuid", /line 8: /],
    ["name: state", "name: event_time", /line 9: .*taken/],
    ["name: state", "name: parcel_id", /line 9: .*taken/],
    ["values: [packed, sent], ", "", /line 9: .*enum/],
    ["min: 1, max: 100000", "min: 9, max: 1", /line 10: .*above max/],
    ["name: due, type: timestamp", "name: due, type: timestamp, min: 1", /line 12: .*number/],
    ["doc: A parcel that moved.", "doc: A parcel that moved.\n    colour: red", /colour/],
    ["    fields:", "    fields: [", /line /],
  ];
  for (const [good, bad, expected] of broken) {
    const message = refusal(GOOD.replace(good, bad));
    ok(expected.test(message), `${bad}: ${message}`);
  }
});

Deno.test("readKindsFile refuses an example that is no event of its kind", () => {
  ok(/out_of_range/.test(refusal(GOOD + "    example: {parcel_id: p, state: sent, weight_grams: 0}\n")));
  strictEqual(refusal(GOOD + "    example: {parcel_id: p, state: sent}\n"), "taken");
});
