import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";

Deno.test("readGeneratorFile takes the shipped file, which says what an empty one means", async () => {
  deepStrictEqual(readGeneratorFile(await Deno.readTextFile("config/generator.yaml")), readGeneratorFile(""));
});

Deno.test("readGeneratorFile takes a part, and leaves the rest as usual", () => {
  const config = readGeneratorFile("fraud_share: 0.5\nweights: {clickstream: 0}\n");
  strictEqual(config.fraud_share, 0.5);
  strictEqual(config.weights.clickstream, 0);
  strictEqual(config.weights.transaction, 45);
});

const REFUSED: [what: string, text: string, message: RegExp][] = [
  ["a share above 1", "users: 5\nfraud_share: 1.5\n", /line 2: .*fraud_share|line 2:/],
  ["a name that it does not know", "users: 5\nfraudshare: 0.1\n", /fraudshare/],
  ["a rate beyond 50,000", "events_per_second: 50001\n", /line 1/],
  ["half a user", "merchants: 30\nusers: 0.5\n", /line 2/],
  [
    "weights that are all 0",
    `weights: {${KINDS().map((kind) => `${kind}: 0`).join(", ")}}\n`,
    /must not all be 0/,
  ],
  ["no YAML", "users: [\n", /line 2|line 1/],
];

function KINDS(): string[] {
  return ["transaction", "clickstream", "user_activity", "api_call", "sensor_reading", "transaction_status"];
}

for (const [what, text, message] of REFUSED) {
  Deno.test(`readGeneratorFile refuses ${what}, with its place`, () => {
    throws(() => readGeneratorFile(text), message);
  });
}
