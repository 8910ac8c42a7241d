/** What is packed comes back, whole or drawer by drawer, every double bit for bit. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { packed, packedDrawer, unpacked, withoutDrawer } from "../../lib/checkpoint/packed_cabinet.ts";
import { PartitionState } from "../../lib/checkpoint/state.ts";

const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
  fc.string({ unit: "binary" }),
  fc.array(fc.oneof(fc.integer(), fc.string()), { maxLength: 5 }),
  fc.constant(null),
  fc.constant(undefined),
);

Deno.test("`packed` and `unpacked` give the cabinet, `packedDrawer` each of its drawers", () => {
  fc.assert(fc.property(fc.array(value, { maxLength: 14 }), fc.nat(16), (cabinet, length) => {
    const text = packed(cabinet);
    const whole = unpacked(text, length);
    assert.ok(whole.length >= length);
    for (let number = 0; number < Math.max(cabinet.length, length); number++) {
      assert.deepEqual(whole[number], cabinet[number]);
      assert.deepEqual(packedDrawer(text, number), cabinet[number]);
      if (number >= cabinet.length) continue;
      assert.equal(withoutDrawer(text, number), packed(cabinet.with(number, undefined)));
    }
  }));
});

Deno.test("a key that went cold is there when it is asked for, changed, listed, cleared or deleted", () => {
  const state = new PartitionState();
  const [a, b] = [state.space<unknown>("a", "family"), state.space<unknown>("b", "family")];
  for (const key of ["k1", "k2", "k3"]) {
    a.put(key, [key, 0.1 + 0.2]);
    b.put(key, 5e-324);
  }
  state.takeChanges();
  state.takeChanges();
  assert.deepEqual([...a.entries()], ["k1", "k2", "k3"].map((key) => [key, [key, 0.1 + 0.2]]));
  assert.equal(b.get("k2"), 5e-324);
  a.put("k1", "new");
  a.delete("k3");
  assert.equal(a.get("k3"), undefined);
  assert.equal(b.get("k3"), 5e-324);
  const follower = PartitionState.fromImage(state.image());
  state.takeChanges();
  state.takeChanges();
  b.clear();
  assert.deepEqual([...state.spaces()], ["a"]);
  follower.applyChanges(state.takeChanges());
  for (const one of [state, follower]) {
    assert.deepEqual([...one.space("a").entries()].sort(), [["k1", "new"], ["k2", ["k2", 0.1 + 0.2]]]);
    assert.deepEqual([...one.space("b").entries()], []);
  }
});
