import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ExactNumber } from "../../lib/event/exact_json.ts";
import { readMoment, timestampCell } from "../../lib/event/timestamp.ts";
import { MAX_TIME_MS } from "../../lib/written_time.ts";

function read(value: unknown): string {
  const reading = readMoment(value);
  return reading.ok ? timestampCell(reading.moment.ms, reading.moment.sub_us) : reading.code;
}

Deno.test("readMoment takes milliseconds and RFC 3339 in any case", () => {
  const cases: [unknown, string][] = [
    [0, "1970-01-01T00:00:00.000"],
    [1769851800123, "2026-01-31T09:30:00.123"],
    [MAX_TIME_MS, "9999-12-31T23:59:59.999"],
    ["2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000"],
    ["2026-01-31t09:30:00z", "2026-01-31T09:30:00.000"],
    ["2026-01-31T09:30:00.5Z", "2026-01-31T09:30:00.500"],
    ["2026-01-31T09:30:00.123456Z", "2026-01-31T09:30:00.123456"],
    ["2026-01-31T09:30:00.1234569999Z", "2026-01-31T09:30:00.123456"],
    ["2026-01-31T09:30:00.000001Z", "2026-01-31T09:30:00.000001"],
    ["2026-01-31T09:30:00+05:30", "2026-01-31T04:00:00.000"],
    ["2026-01-31T20:30:00-08:00", "2026-02-01T04:30:00.000"],
    ["2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00.000"],
    ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000"],
    ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"],
    ["1969-12-31T23:00:00-01:00", "1970-01-01T00:00:00.000"],
  ];
  for (const [value, expected] of cases) strictEqual(read(value), expected, String(value));
});

Deno.test("readMoment refuses every other text", () => {
  const texts = ["", "now", "1769851800123", "2026-01-31", "2026-01-31 09:30:00Z", "2026-01-31T09:30:00"];
  texts.push("2026-01-31T09:30Z", "2026-01-31T09:30:60Z", "2026-01-31T24:00:00Z", "2026-01-31T09:60:00Z");
  texts.push("2026-02-30T09:30:00Z", "2025-02-29T09:30:00Z", "2026-13-01T09:30:00Z", "2026-00-01T09:30:00Z");
  texts.push(
    "2026-01-00T09:30:00Z",
    "2026-01-31T09:30:00.Z",
    "2026-01-31T09:30:00,5Z",
    "2026-01-31T09:30:00+0530",
  );
  texts.push(
    "2026-01-31T09:30:00+24:00",
    "2026-01-31T09:30:00+05:60",
    "2026-01-31T09:30:00ZZ",
    " 2026-01-31T09:30:00Z",
  );
  texts.push(
    "26-01-31T09:30:00Z",
    "+2026-01-31T09:30:00Z",
    "2026-01-31T09:30:00Z ",
    "2026-1-31T09:30:00Z",
    "２026-01-31T09:30:00Z",
  );
  texts.push("1900-02-29T00:00:00Z");
  for (const text of texts) strictEqual(read(text), "invalid_format", text);
});

Deno.test("readMoment refuses times before 1970 and after 9999, and what is no whole number", () => {
  for (const value of [-1, MAX_TIME_MS + 1, 1e300, "1969-12-31T23:59:59.999Z", "0000-01-01T00:00:00Z"]) {
    strictEqual(read(value), "out_of_range", String(value));
  }
  strictEqual(read("9999-12-31T23:59:59-00:01"), "out_of_range");
  strictEqual(read(new ExactNumber("1e400")), "out_of_range");
  for (const value of [1.5, true, [], {}, null, new ExactNumber("1769851800123.00000000001")]) {
    strictEqual(read(value), "invalid_type", String(value));
  }
  strictEqual(read(new ExactNumber("1769851800123.0000000")), "2026-01-31T09:30:00.123");
});

Deno.test("readMoment reads every moment that Date writes, at every offset", () => {
  const moment = fc.integer({ min: 86_400_000, max: MAX_TIME_MS - 86_400_000 });
  fc.assert(fc.property(moment, fc.integer({ min: -1439, max: 1439 }), (ms, offset) => {
    const local = new Date(ms + offset * 60_000).toISOString().slice(0, 23);
    const size = Math.abs(offset);
    const zone = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, "0")).join(":");
    deepStrictEqual(readMoment(`${local}${offset < 0 ? "-" : "+"}${zone}`), {
      ok: true,
      moment: { ms, sub_us: 0 },
    });
    strictEqual(read(ms), new Date(ms).toISOString().slice(0, 23));
  }));
});
