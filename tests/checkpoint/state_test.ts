/** The state of a partition: what is taken and applied again is the same state, bit for bit. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { PartitionState } from "../../lib/checkpoint/state.ts";
import { diffArrays, patchArray } from "../../lib/checkpoint/array_diff.ts";

type Contents = Record<string, Record<string, unknown>>;

function contents(state: PartitionState): Contents {
  const all: Contents = {};
  for (const space of [...state.spaces()].sort()) {
    all[space] = Object.fromEntries(
      [...state.space(space).entries()].sort(([a], [b]) => a < b ? -1 : 1),
    );
  }
  return all;
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0);
const value = fc.oneof(
  finite,
  fc.string({ unit: "binary" }),
  fc.array(fc.oneof(finite, fc.array(fc.integer(), { maxLength: 3 })), { maxLength: 12 }),
  fc.constant(null),
);
const space = fc.constantFrom("a", "window/x", "f1", "f2", "f3");
/** Spaces that begin with f are of one family. */
const of = (state: PartitionState, name: string) =>
  state.space<unknown>(name, name.startsWith("f") ? "family" : undefined);
const key = fc.oneof(fc.constantFrom("k1", "k2", "k3", "__proto__", ""), fc.string({ unit: "binary" }));

type Step =
  | { do: "put"; space: string; key: string; value: unknown }
  | { do: "grow"; space: string; key: string; value: unknown }
  | { do: "delete"; space: string; key: string }
  | { do: "clear"; space: string }
  | { do: "release"; space: string }
  | { do: "take" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("put" as const), space, key, value }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("grow" as const), space, key, value }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("delete" as const), space, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const), space }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const), space }) },
  { weight: 2, arbitrary: fc.constant({ do: "take" as const }) },
);

function perform(state: PartitionState, step: Exclude<Step, { do: "take" }>): void {
  switch (step.do) {
    case "put":
      return of(state, step.space).put(step.key, step.value);
    case "grow": {
      const before = of(state, step.space).get(step.key);
      const list = Array.isArray(before) ? before : [];
      return of(state, step.space).put(step.key, [...list.slice(list.length > 9 ? 1 : 0), step.value]);
    }
    case "delete":
      return of(state, step.space).delete(step.key);
    case "clear":
      return of(state, step.space).clear();
    case "release":
      return state.release(step.space);
  }
}

Deno.test("`takeChanges` and `applyChanges` keep a follower equal, bit for bit", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const leader = new PartitionState();
    const follower = new PartitionState();
    for (const one of [...steps, { do: "take" as const }]) {
      if (one.do !== "take") perform(leader, one);
      else {
        follower.applyChanges(leader.takeChanges());
        assert.equal(leader.changed, false);
        assert.deepEqual(contents(follower), contents(leader));
      }
    }
  }));
});

Deno.test("`imageChunks` shows the state of its beginning, whatever changes between chunks", () => {
  fc.assert(
    fc.property(fc.array(step), fc.array(step), (first, later) => {
      const state = new PartitionState();
      for (const one of first) if (one.do !== "take") perform(state, one);
      // Enough to make several chunks, so that changes fall between them.
      for (let i = 0; i < 2000; i++) state.space("wide").put(`k${i}`, "x".repeat(1500));
      const then = contents(state);
      const image: Uint8Array[] = [];
      for (const chunk of state.imageChunks(1 << 20)) {
        image.push(chunk);
        for (const one of later) {
          if (one.do === "take") state.takeChanges();
          else perform(state, one);
        }
        state.space("wide").put("k1999", image.length);
        state.space("wide").delete("k1998");
        state.space("wide").put(`new${image.length}`, 1);
      }
      assert.ok(image.length > 2);
      const restored = PartitionState.fromImage(image);
      assert.deepEqual(contents(restored), then);
      assert.equal(restored.changed, false);
    }),
    { numRuns: 20 },
  );
});

Deno.test("an image and the changes after it give the state", () => {
  const state = new PartitionState();
  state.space("s").put("a", [0.1 + 0.2, 5e-324, 1.7976931348623157e308]);
  state.takeChanges();
  const image = state.image();
  state.space("s").put("b", 2);
  state.space("s").delete("a");
  const restored = PartitionState.fromImage(image);
  restored.applyChanges(state.takeChanges());
  assert.deepEqual(contents(restored), { s: { b: 2 } });
});

Deno.test("changes of a long list name only what is new", () => {
  const state = new PartitionState();
  const list = Array.from({ length: 60 }, (_, i) => [i, "window".repeat(20)]);
  state.space("s").put("k", list);
  state.takeChanges();
  state.space("s").put("k", [...list.slice(1), [60, "new"]]);
  assert.ok(state.takeChanges().length < 100);
});

Deno.test("changes cost by what changed, and nothing when nothing did", () => {
  const state = new PartitionState();
  for (let i = 0; i < 10_000; i++) state.space("s").put(`k${i}`, [i]);
  const all = state.takeChanges().length;
  const none = state.takeChanges().length;
  state.space("s").put("k5", [7]);
  assert.ok(none < 30);
  assert.ok(state.takeChanges().length < none + 30);
  assert.ok(all > 100_000);
});

Deno.test("state of another format or cut short is refused", () => {
  const state = new PartitionState();
  state.space("s").put("k", 1);
  const image = state.image();
  assert.throws(() => PartitionState.fromImage(image.subarray(0, image.length - 2)), /cut short/);
  const foreign = new TextEncoder().encode('{"millrace_state":99}\n');
  assert.throws(() => PartitionState.fromImage(foreign), /format/);
  const twice = new PartitionState();
  twice.space("s").put("k", 1);
  assert.throws(() => twice.applyChanges(image), /changes of its own/);
});

Deno.test("`patchArray` undoes `diffArrays`", () => {
  const list = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 20 });
  fc.assert(fc.property(list, list, (before, now) => {
    assert.deepEqual(patchArray(before, diffArrays(before, now)), now);
  }));
});
