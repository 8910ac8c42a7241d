import { strictEqual } from "node:assert/strict";
import { murmur2, partitionOf } from "../../lib/log/topics.ts";

// Vectors of Kafka's own UtilsTest.
Deno.test("murmur2 gives Kafka's values", () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  strictEqual(murmur2(encode("21")), -973932308);
  strictEqual(murmur2(encode("foobar")), -790332482);
  strictEqual(murmur2(encode("a-little-bit-long-string")), -985981536);
  strictEqual(murmur2(encode("a-little-bit-longer-string")), -1486304829);
  strictEqual(murmur2(encode("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
  strictEqual(murmur2(encode("abc")), 479470107);
});

Deno.test("partitionOf stays within the partitions", () => {
  for (const key of ["", "a", "user_1", "ü", "😀"]) {
    strictEqual(partitionOf(key, 4) >= 0 && partitionOf(key, 4) < 4, true);
  }
});
