/** Whatever the weather, and however often the door restarts: nothing acknowledged is lost, and no key is reordered. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../lib/clock.ts";
import { partitionOf } from "../../lib/log/topics.ts";
import { drained, keyed, type Scene, type Weather, withScene } from "./spill_scene.ts";

const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ say: fc.nat(5), times: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ weather: fc.constantFrom<Weather>("there", "away", "loses answers") }),
  },
  { weight: 2, arbitrary: fc.record({ wait_ms: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.constant({ restart: true }) },
);

Deno.test("nothing acknowledged is lost or reordered within its key, in any weather and over restarts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      (steps, topic, spill) =>
        withScene({ topic, spill, piece_records: 2, slow: true }, (scene) => weatherRun(scene, steps)),
    ),
    { numRuns: 12 },
  );
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function weatherRun(scene: Scene, steps: readonly Step[]): Promise<void> {
  let door = await scene.door();
  const said = new Map<string, string[]>();
  let count = 0;
  const calls: Promise<unknown>[] = [];
  for (const each of steps) {
    if ("weather" in each) scene.weather.now = each.weather;
    if ("wait_ms" in each) await systemClock.sleep(each.wait_ms);
    if ("restart" in each) {
      await door[Symbol.asyncDispose]();
      door = await scene.door();
    }
    if ("say" in each) {
      const key = `k${each.say}`;
      const { partitions } = await door.identity("events");
      for (let i = 0; i < each.times; i++) {
        const text = String(count++);
        said.set(key, [...said.get(key) ?? [], text]);
        calls.push(door.append("events", [keyed(key, text, partitions)]));
      }
    }
  }
  await Promise.all(calls);
  scene.weather.now = "there";
  await drained(door);
  await door[Symbol.asyncDispose]();
  await using again = await scene.door();
  assert.equal(again.state.records, 0);
  const stored = await scene.stored();
  for (const [key, texts] of said) {
    const there = stored[partitionOf(key, scene.sizes.topic)].filter((one) => one.startsWith(`${key}:`));
    // A record may repeat when an answer was lost; its first copy is the one that counts.
    assert.deepEqual([...new Set(there)], texts.map((text) => `${key}:${text}`));
  }
}
