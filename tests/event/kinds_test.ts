import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { COMMON_COLUMNS } from "../../lib/event/common_columns.ts";
import { parseJson } from "../../lib/event/json_text.ts";
import type { Kind } from "../../lib/event/kind.ts";
import { kindsOf, SHIPPED_KINDS } from "../../lib/event/kinds.ts";

const kinds = kindsOf();

function kind(name: string): Kind {
  const found = kinds.get(name);
  if (!found) throw new Error(`no kind ${name}`);
  return found;
}

/** The example of a kind with changes, checked: its cells, or the faults as `field code`. */
function check(name: string, change: Record<string, unknown>) {
  const checked = kind(name).check({ ...kind(name).example, ...change });
  return checked.ok ? checked.event.cells : checked.faults.map(({ field, code }) => `${field} ${code}`);
}

function cell(name: string, change: Record<string, unknown>, column: string) {
  const cells = check(name, change);
  return Array.isArray(cells) ? cells : (cells as Record<string, unknown>)[column];
}

Deno.test("every kind accepts its own example, and its cells are its columns", () => {
  for (const one of SHIPPED_KINDS) {
    const checked = one.check(one.example);
    if (!checked.ok) throw new Error(`${one.name}: ${JSON.stringify(checked.faults)}`);
    const own = one.columns.map((column) => column.name).filter((name) => !one.stream_columns.includes(name));
    deepStrictEqual(Object.keys(checked.event.cells), [...own, "extra"], one.name);
    strictEqual(checked.event.cells.extra, null, one.name);
  }
});

Deno.test("every column has a sentence and a name of its own", () => {
  for (const one of SHIPPED_KINDS) {
    const columns = [...COMMON_COLUMNS, ...one.columns];
    strictEqual(new Set(columns.map((column) => column.name)).size, columns.length, one.name);
    for (const column of columns) ok(/^[A-Z].*\.$/.test(column.doc), `${one.name}.${column.name}`);
  }
});

Deno.test("every kind names each required field that is absent or null, once", () => {
  for (const one of SHIPPED_KINDS) {
    const required = one.schema.required as string[];
    for (const field of required) {
      for (const value of [undefined, null]) {
        deepStrictEqual(check(one.name, { [field]: value }), [`${field} missing`], one.name);
      }
    }
    const checked = one.check({});
    strictEqual(checked.ok, false);
    ok(!checked.ok && checked.faults.length >= required.length);
  }
});

Deno.test("every kind refuses another JSON type in every field", () => {
  for (const one of SHIPPED_KINDS) {
    for (
      const field of Object.keys(one.schema.properties as object).filter((name) => name !== "account_id")
    ) {
      deepStrictEqual(check(one.name, { [field]: [] }), [`${field} invalid_type`], `${one.name}.${field}`);
    }
    for (const body of [5, "x", null, [], true]) {
      const checked = one.check(body);
      deepStrictEqual(!checked.ok && checked.faults.map(({ field, code }) => [field, code]), [[
        "",
        "invalid_type",
      ]]);
    }
  }
});

Deno.test("check keeps ids of 1 to 200 characters and texts of any length", () => {
  const ids: [string, string][] = [["user_activity", "user_id"], ["sensor_reading", "metric"]];
  ids.push(["user_activity", "activity"], ["api_call", "method"], ["clickstream", "product_id"]);
  for (const [name, field] of ids) {
    strictEqual(cell(name, { [field]: "😀".repeat(200) }, field), "😀".repeat(200));
    deepStrictEqual(check(name, { [field]: "" }), [`${field} invalid_format`]);
    deepStrictEqual(check(name, { [field]: "😀".repeat(201) }), [`${field} invalid_format`]);
    deepStrictEqual(check(name, { [field]: "x".repeat(201) }), [`${field} invalid_format`]);
  }
  strictEqual(cell("clickstream", { page_url: "" }, "page_url"), "");
  strictEqual(cell("transaction_status", { status: "" }, "status"), "");
});

Deno.test("check reads integers by value, within their bounds", () => {
  const quantity = (value: unknown) => cell("clickstream", { quantity: value }, "quantity");
  strictEqual(quantity(5), 5);
  strictEqual(quantity(1e2), 100);
  strictEqual(quantity(100_000), 100_000);
  deepStrictEqual(quantity(1.5), ["quantity invalid_type"]);
  deepStrictEqual(quantity("5"), ["quantity invalid_type"]);
  deepStrictEqual(quantity(0), ["quantity out_of_range"]);
  deepStrictEqual(quantity(100_001), ["quantity out_of_range"]);
  const parsed = parseJson('{"a":5.0000000000000000,"b":1e400,"c":9007199254740993,"d":1.00000000000000001}');
  if (!parsed.ok) throw new Error(parsed.reason);
  const { a, b, c, d } = parsed.value as Record<string, unknown>;
  strictEqual(quantity(a), 5);
  deepStrictEqual(quantity(b), ["quantity out_of_range"]);
  deepStrictEqual(cell("api_call", { request_bytes: c }, "request_bytes"), ["request_bytes out_of_range"]);
  deepStrictEqual(quantity(d), ["quantity invalid_type"]);
  deepStrictEqual(cell("sensor_reading", { value: b }, "value"), ["value out_of_range"]);
  strictEqual(cell("clickstream", { price_cents: 10_000_000_000 }, "price_cents"), 10_000_000_000);
});

Deno.test("check takes 0.0 for a place and refuses what is off the globe", () => {
  strictEqual(cell("transaction", { lat: 0.0 }, "lat"), 0);
  strictEqual(Object.is(cell("transaction", { lat: -0 }, "lat"), 0), true);
  strictEqual(cell("transaction", { lat: -90, lon: 180 }, "lon"), 180);
  deepStrictEqual(check("transaction", { lat: 90.0001, lon: -180.5 }), [
    "lat out_of_range",
    "lon out_of_range",
  ]);
});

Deno.test("check upper-cases currency and country and matches other enums exactly", () => {
  strictEqual(cell("transaction", { currency: "eUr" }, "currency"), "EUR");
  strictEqual(cell("transaction", { country: "de" }, "country"), "DE");
  deepStrictEqual(check("transaction", { currency: "XX" }), ["currency invalid_enum"]);
  deepStrictEqual(check("transaction", { country: "DEU" }), ["country invalid_format"]);
  deepStrictEqual(check("clickstream", { geo_country: "ı1" }), ["geo_country invalid_format"]);
  deepStrictEqual(check("transaction", { status: "Completed" }), ["status invalid_enum"]);
});

Deno.test("clickstream adds revenue, hour, mobile and bot", () => {
  const derived = (change: Record<string, unknown>) => {
    const { revenue_cents, event_hour, is_mobile, is_bot } = check("clickstream", change) as Record<
      string,
      unknown
    >;
    return [revenue_cents, event_hour, is_mobile, is_bot];
  };
  deepStrictEqual(derived({}), [2500, 9, true, false]);
  deepStrictEqual(derived({ event_type: "add_to_cart" }), [null, 9, true, false]);
  deepStrictEqual(derived({ quantity: null }), [null, 9, true, false]);
  deepStrictEqual(derived({ price_cents: 0, timestamp: "2026-01-31T23:59:59+01:00" }), [0, 22, true, false]);
  for (const user_agent of ["Googlebot", "CURL/8", "python-HTTPX", "MyCrawler", "Scrapy", "wget", "spider"]) {
    deepStrictEqual(derived({ user_agent }), [2500, 9, false, true], user_agent);
  }
  strictEqual(cell("clickstream", { search_query: "  Red SHOES " }, "search_query"), "red shoes");
});

Deno.test("check keeps unknown fields as JSON text, and pollutes nothing", () => {
  const body = parseJson(
    `{"event_id":"e","timestamp":1,"user_id":"u","activity":"a","__proto__":{"x":1},"constructor":2,"toString":null,"":[9007199254740993,1e400]}`,
  );
  if (!body.ok) throw new Error(body.reason);
  const checked = kind("user_activity").check(body.value);
  strictEqual(
    checked.ok && checked.event.cells.extra,
    '{"__proto__":{"x":1},"constructor":2,"toString":null,"":[9007199254740993,1e400]}',
  );
  strictEqual(({} as Record<string, unknown>).x, undefined);
});

Deno.test("user_activity keeps its properties as JSON text", () => {
  strictEqual(cell("user_activity", { properties: { a: [1] } }, "properties"), '{"a":[1]}');
  strictEqual(cell("user_activity", { properties: null }, "properties"), null);
  deepStrictEqual(check("user_activity", { properties: "x" }), ["properties invalid_type"]);
});

Deno.test("partitionKey follows the declared fields, then the event_id", () => {
  const key = (name: string, body: unknown) => kind(name).partitionKey(body);
  strictEqual(key("api_call", { user_id: "u", ip: "i", event_id: "e" }), "u");
  strictEqual(key("api_call", { ip: "i", event_id: "e" }), "i");
  strictEqual(key("api_call", { ip: "", event_id: "e" }), "e");
  strictEqual(key("transaction", { user_id: null, account_id: "a" }), "a");
  strictEqual(key("transaction", { user_id: 5 }), "5");
  for (const body of [{}, 5, null, [], { event_id: "" }]) strictEqual(key("transaction", body), null);
});

Deno.test("check never throws and gives either all cells or at least one fault", () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(undefined));
  for (const one of SHIPPED_KINDS) {
    const names = Object.keys(one.schema.properties as object);
    const bodies = fc.dictionary(fc.constantFrom(...names), value).map((change) => ({
      ...one.example,
      ...change,
    }));
    fc.assert(fc.property(bodies, (body) => {
      const checked = one.check(body);
      if (!checked.ok) return checked.faults.length > 0;
      return Object.values(checked.event.cells).every((one) => one !== undefined && !Number.isNaN(one));
    }));
  }
});
