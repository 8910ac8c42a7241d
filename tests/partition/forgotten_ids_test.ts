import { deepStrictEqual } from "node:assert/strict";
import { forgottenIds } from "../../lib/partition/forgotten_ids.ts";

Deno.test("forgottenIds counts what came to the sum, and warns when it doubled", () => {
  const counted: [number, number][] = [];
  const warned: [number, number][] = [];
  const hear = forgottenIds({
    count: (partition, ids) => void counted.push([partition, ids]),
    warn: (_message, { partition, ids }) => void warned.push([partition, ids]),
  });
  for (const ever of [0, 5, 5, 9, 10, 3, 11]) hear(0, ever);
  hear(1, 2);
  deepStrictEqual(counted, [[0, 5], [0, 4], [0, 1], [0, 1], [1, 2]]);
  deepStrictEqual(warned, [[0, 5], [0, 10], [1, 2]]);
});
