/** Whoever comes and goes: every partition ends with one owner, fairly, and is never given to two. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type GroupMember, planAssignment } from "../../lib/log/cooperative_plan.ts";

/** Members that do as told: take what is new, let go of what is lost, and join again. Checks each step. */
class Simulation {
  generation = 0;
  members: GroupMember[] = [];

  constructor(readonly partitions: number) {}

  /** Rounds until nobody loses anything any more. */
  settle(): number {
    for (let rounds = 1;; rounds++) {
      assert.ok(rounds <= 3, "does not settle");
      if (!this.round()) return rounds;
    }
  }

  /** True when someone had to let go, and so another round follows. */
  round(): boolean {
    this.generation++;
    const before = this.members;
    const plan = planAssignment(before, this.partitions);
    let again = false;
    for (const [id, given] of plan) {
      for (const other of before) {
        if (other.id !== id) {
          assert.ok(other.owned.every((p) => !given.has(p)), `${id} was given what ${other.id} holds`);
        }
      }
    }
    this.members = before.map(({ id, owned }) => {
      const given = plan.get(id)!;
      again ||= owned.some((p) => !given.has(p));
      return { id, owned: [...given], generation: this.generation };
    });
    return again;
  }
}

Deno.test("planAssignment settles on a fair share of everything, whoever comes and goes", () => {
  const step = fc.oneof(fc.record({ join: fc.nat(9) }), fc.record({ leave: fc.nat(9) }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 24 }), fc.array(step, { maxLength: 12 }), (partitions, steps) => {
      const simulation = new Simulation(partitions);
      for (const each of steps) {
        if ("leave" in each) {
          simulation.members = simulation.members.filter(({ id }) => id !== `m${each.leave}`);
        } else if (!simulation.members.some(({ id }) => id === `m${each.join}`)) {
          simulation.members = [...simulation.members, { id: `m${each.join}`, owned: [], generation: -1 }];
        }
        if (simulation.members.length === 0) continue;
        simulation.settle();
        const all = simulation.members.flatMap(({ owned }) => owned).sort((a, b) => a - b);
        assert.deepEqual(all, Array.from({ length: partitions }, (_, p) => p));
        const sizes = simulation.members.map(({ owned }) => owned.length);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
      }
    }),
  );
});

Deno.test("planAssignment moves no more than balance asks for", () => {
  const plan = planAssignment(
    [
      { id: "a", owned: [0, 1, 2], generation: 3 },
      { id: "b", owned: [3, 4, 5], generation: 3 },
      { id: "c", owned: [], generation: -1 },
    ],
    6,
  );
  assert.deepEqual([...plan].map(([id, set]) => [id, [...set]]), [["a", [0, 1]], ["b", [3, 4]], ["c", []]]);
});

Deno.test("of two that claim a partition the later generation counts, and the other loses it", () => {
  const plan = planAssignment(
    [{ id: "zombie", owned: [0, 1], generation: 3 }, { id: "owner", owned: [0, 1], generation: 5 }],
    2,
  );
  assert.deepEqual([...plan.get("owner")!], [0]);
  assert.deepEqual([...plan.get("zombie")!], []);
});

Deno.test("planAssignment leaves out partitions that are no more", () => {
  const plan = planAssignment([{ id: "a", owned: [0, 7], generation: 1 }], 2);
  assert.deepEqual([...plan.get("a")!], [0, 1]);
});
