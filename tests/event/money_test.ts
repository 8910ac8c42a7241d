import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ExactNumber } from "../../lib/event/exact_json.ts";
import {
  currencyExponent,
  fromMinorUnits,
  isCurrency,
  readAmount,
  readDecimal,
} from "../../lib/event/money.ts";

function read(value: unknown): string {
  const reading = readAmount(value);
  return reading.ok ? reading.text : reading.code;
}

Deno.test("readAmount takes numbers and texts as they are written", () => {
  const cases: [unknown, string][] = [
    [1, "1.0000"],
    [-12.34, "-12.3400"],
    [0.0001, "0.0001"],
    [0.3, "0.3000"],
    [99999999999999, "99999999999999.0000"],
    [100000000000.1234, "100000000000.1234"],
    [1e2, "100.0000"],
    ["1", "1.0000"],
    ["-0012.5", "-12.5000"],
    ["1.50000000", "1.5000"],
    ["99999999999999.9999", "99999999999999.9999"],
    ["12345678901234.5678", "12345678901234.5678"],
    [new ExactNumber("12345678901234.5678"), "12345678901234.5678"],
    [new ExactNumber("1.0000000000000000000"), "1.0000"],
    [new ExactNumber("1200000000000000000e-16"), "120.0000"],
  ];
  for (const [value, expected] of cases) strictEqual(read(value), expected);
});

Deno.test("readAmount refuses zero, more than four decimals and 10^14", () => {
  const out: unknown[] = [0, -0, "0", "-0.0000", 0.00001, 1.00001, 0.1 + 0.2, 1e14, -1e14, 1e-7, 1e300];
  out.push("1.00001", "100000000000000", "0.00001", new ExactNumber("1e400"), new ExactNumber("1e-400"));
  out.push(
    new ExactNumber("1.00000000000000001"),
    new ExactNumber("99999999999999.99999"),
    "9".repeat(100_000),
  );
  for (const value of out) strictEqual(read(value), "out_of_range", String(value));
});

Deno.test("readAmount tells a wrong form from a wrong type", () => {
  for (const text of ["", " 1", "1 ", "+1", "1.", ".5", "1e2", "1,5", "0x10", "NaN", "١", "--1", "1.2.3"]) {
    strictEqual(read(text), "invalid_format", text);
  }
  for (const value of [true, [1], { amount: 1 }, null, undefined]) strictEqual(read(value), "invalid_type");
});

Deno.test("readAmount gives every amount of four decimals back, from number and text", () => {
  // Up to 15 digits a double gives the same decimal back.
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e15 - 1 }), fc.boolean(), (units, negative) => {
    const digits = String(units).padStart(5, "0");
    const text = `${negative ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
    strictEqual(read(text), text);
    strictEqual(read(Number(text)), text);
  }));
});

Deno.test("fromMinorUnits divides by the currency's own exponent, exactly", () => {
  const major = (units: number, currency: string) => fromMinorUnits(units, currencyExponent(currency) ?? NaN);
  strictEqual(major(1050, "JPY"), "1050");
  strictEqual(major(1050, "eur"), "10.50");
  strictEqual(major(1050, "KWD"), "1.050");
  strictEqual(major(-5, "USD"), "-0.05");
  strictEqual(major(9007199254740991, "CLF"), "900719925474.0991");
  strictEqual(currencyExponent("DEM"), null);
});

Deno.test("isCurrency knows the active list", () => {
  deepStrictEqual(["EUR", "XCG", "ZWG", "SLE", "XXX"].filter(isCurrency).length, 5);
  deepStrictEqual(["DEM", "HRK", "ANG", "eur", "BTC", "", "CUC"].filter(isCurrency), []);
});

Deno.test("readDecimal takes a number's text apart", () => {
  deepStrictEqual(readDecimal("-12.30"), { negative: true, digits: "123", scale: 1 });
  deepStrictEqual(readDecimal("1200"), { negative: false, digits: "12", scale: -2 });
  deepStrictEqual(readDecimal("5.0"), { negative: false, digits: "5", scale: 0 });
  deepStrictEqual(readDecimal("0.000e9"), { negative: false, digits: "", scale: 0 });
  strictEqual(readDecimal("x"), null);
});
