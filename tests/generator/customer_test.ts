import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { CITIES } from "../../lib/generator/city.ts";
import { customerOf, merchantOf, productOf } from "../../lib/generator/customer.ts";
import { usualAmount } from "../../lib/generator/purchase.ts";

const customers = Array.from({ length: 500 }, (_, number) => customerOf(number, 300));

Deno.test("customerOf gives the same person for a number, and another for another", () => {
  deepStrictEqual(customerOf(7, 300), customers[7]);
  strictEqual(new Set(customers.map(({ device_id }) => device_id)).size, customers.length);
  strictEqual(new Set(customers.map(({ home }) => home.name)).size, CITIES.length);
});

Deno.test("merchantOf and productOf give distinct ids and sane prices", () => {
  const numbers = Array.from({ length: 300 }, (_, number) => number);
  strictEqual(new Set(numbers.map((number) => merchantOf(number).merchant_id)).size, 300);
  strictEqual(new Set(numbers.map((number) => merchantOf(number).merchant_name)).size, 300);
  for (const number of numbers) {
    ok(productOf(number).price_cents >= 400 && productOf(number).price_cents <= 25_000);
  }
});

/** Mean and deviation of logarithms. */
function spreadOf(amounts: readonly number[]): { mean: number; deviation: number } {
  const logs = amounts.map(Math.log);
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
  const deviation = Math.sqrt(logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / logs.length);
  return { mean, deviation };
}

Deno.test("usualAmount is log-normal within 1.9 deviations, about the customer's own middle", () => {
  for (const customer of customers.slice(0, 50)) {
    const amounts = Array.from({ length: 2000 }, (_, count) => usualAmount(customer, count));
    const { mean, deviation } = spreadOf(amounts);
    ok(Math.abs(mean - Math.log(customer.median)) < 0.01);
    // A normal cut at 1.9 deviations has 0.86 of its own.
    ok(Math.abs(deviation / customer.sigma - 0.86) < 0.02, `${deviation / customer.sigma}`);
    const [least, most] = [Math.min(...amounts), Math.max(...amounts)];
    ok(Math.log(most / customer.median) <= 1.91 * customer.sigma);
    ok(Math.log(least / customer.median) >= -1.91 * customer.sigma);
  }
});

Deno.test("usualAmount shows its spread within any ten purchases", () => {
  for (const customer of customers.slice(0, 50)) {
    for (let from = 0; from < 200; from += 10) {
      const ten = Array.from({ length: 10 }, (_, i) => usualAmount(customer, from + i));
      ok(spreadOf(ten).deviation > 0.7 * customer.sigma);
    }
  }
});
