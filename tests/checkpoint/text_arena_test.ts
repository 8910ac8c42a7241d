/** The arena gives back what was put, whatever was put and freed between. */
import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { TextArena, type Ticket } from "../../lib/checkpoint/text_arena.ts";

Deno.test("every text comes back as it was, whatever is put and freed between", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.integer({ min: 0, max: 400_000 }).map((length) => "ä€😀x".repeat(length / 4)),
  );
  fc.assert(
    fc.property(fc.array(fc.record({ text: texts, frees: fc.nat() }), { maxLength: 40 }), (steps) => {
      const arena = new TextArena();
      const kept = new Map<Ticket, string>();
      for (const { text, frees } of steps) {
        const ticket = arena.put(text);
        ok(!kept.has(ticket), "a place is given away once");
        kept.set(ticket, text);
        const oldest = [...kept.keys()][0];
        if (frees % 3 > 0) continue;
        strictEqual(arena.take(oldest), kept.get(oldest));
        kept.delete(oldest);
      }
      for (const [ticket, text] of kept) strictEqual(arena.text(ticket), text);
    }),
    { numRuns: 60 },
  );
});

Deno.test("a freed place is used again by a text of its size", () => {
  const arena = new TextArena();
  const first = arena.put("a".repeat(100));
  arena.put("b".repeat(100));
  arena.free(first);
  strictEqual(arena.put("c".repeat(99)), first);
});
