import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type DedupClaim, DedupIndex } from "../../lib/event/dedup_index.ts";

const HOUR_MS = 3_600_000;

function claim(change: Partial<DedupClaim> = {}): DedupClaim {
  return {
    source: "token",
    kind: "transaction",
    event_id: "e1",
    content: "c1",
    received_at: 1_700_000_000_000,
    window_ms: HOUR_MS,
    ...change,
  };
}

Deno.test("DedupIndex tells new, duplicate and conflict apart", () => {
  const index = new DedupIndex(10);
  strictEqual(index.check(claim()), "new");
  strictEqual(index.check(claim()), "duplicate");
  strictEqual(index.check(claim({ content: "c2" })), "conflict");
  strictEqual(index.check(claim()), "duplicate");
  strictEqual(index.check(claim({ source: "other" })), "new");
  strictEqual(index.check(claim({ kind: "clickstream" })), "new");
  strictEqual(index.check(claim({ event_id: "e2" })), "new");
});

Deno.test("DedupIndex forgets at the end of the window, which a duplicate does not renew", () => {
  const index = new DedupIndex(10);
  const at = (ms: number, content = "c1") => index.check(claim({ received_at: 1e12 + ms, content }));
  strictEqual(at(0), "new");
  strictEqual(at(HOUR_MS - 1), "duplicate");
  strictEqual(at(HOUR_MS, "c2"), "new");
  strictEqual(at(HOUR_MS + 1), "conflict");
  strictEqual(at(2 * HOUR_MS - 1, "c2"), "duplicate");
});

Deno.test("DedupIndex keeps the windows of sources apart", () => {
  const index = new DedupIndex(10);
  const hook = { source: "stripe", window_ms: 168 * HOUR_MS };
  index.check(claim());
  index.check(claim(hook));
  const later = claim().received_at + 2 * HOUR_MS;
  strictEqual(index.check(claim({ received_at: later })), "new");
  strictEqual(index.check(claim({ ...hook, received_at: later })), "duplicate");
});

Deno.test("DedupIndex lets the oldest ids go beyond its limit, and counts them", () => {
  const index = new DedupIndex(3);
  for (let i = 0; i < 5; i++) {
    index.check(
      claim({ event_id: `e${i}`, received_at: 1e12 + i, window_ms: i % 2 ? HOUR_MS : 2 * HOUR_MS }),
    );
  }
  strictEqual(index.size, 3);
  strictEqual(index.dropped, 2);
  strictEqual(index.check(claim({ event_id: "e4", received_at: 1e12 + 5 })), "duplicate");
  strictEqual(index.check(claim({ event_id: "e0", received_at: 1e12 + 5 })), "new");
  index.limit(1);
  strictEqual(index.size, 1);
});

Deno.test("DedupIndex restored under another setting keeps to the limit that was in force", () => {
  for (const setting of [1, 100]) {
    const index = new DedupIndex(3);
    index.limit(3);
    for (let i = 0; i < 5; i++) index.check(claim({ event_id: `e${i}` }));
    const restored = new DedupIndex(setting);
    restored.applyChanges(index.takeChanges());
    deepStrictEqual(restored.image(), index.image());
  }
});

Deno.test("DedupIndex gives memory back when ids expire", () => {
  const index = new DedupIndex(1_000_000);
  for (let i = 0; i < 50_000; i++) index.check(claim({ event_id: `a${i}` }));
  const full = index.size_bytes;
  const later = claim().received_at + 2 * HOUR_MS;
  for (let i = 0; i < 10_000; i++) index.check(claim({ event_id: `b${i}`, received_at: later }));
  strictEqual(index.size, 10_000);
  strictEqual(index.dropped, 0);
  ok(index.size_bytes < full / 3, `${index.size_bytes} of ${full}`);
});

Deno.test("DedupIndex takes at most 24 bytes an id", () => {
  const index = new DedupIndex(20_000_000);
  for (let i = 1; i <= 400_000; i++) {
    index.check(claim({ event_id: `evt_${i}`, received_at: 1e12 + i }));
    if (i > 100_000 && i % 10_007 === 0) {
      ok(index.size_bytes <= 24 * index.size, `${index.size_bytes / index.size} bytes an id at ${i}`);
    }
  }
  strictEqual(index.size, 400_000);
});

const step = fc.record({
  id: fc.nat(30),
  content: fc.nat(1),
  wait_ms: fc.oneof(fc.nat(1000), fc.nat(HOUR_MS), fc.constant(-5000)),
  long: fc.boolean(),
});

/** The rule itself, on a plain map without any limit. */
function model() {
  const first = new Map<string, { content: string; end: number }>();
  return ({ event_id, content, received_at, window_ms }: DedupClaim) => {
    const seen = first.get(event_id);
    if (seen && received_at < seen.end) return seen.content === content ? "duplicate" : "conflict";
    first.set(event_id, { content, end: received_at + window_ms });
    return "new";
  };
}

function claimsOf(steps: readonly { id: number; content: number; wait_ms: number; long: boolean }[]) {
  let received_at = 1e12;
  return steps.map(({ id, content, wait_ms, long }) => {
    received_at += wait_ms;
    return claim({
      event_id: `e${id}`,
      content: `c${content}`,
      received_at,
      window_ms: long ? 5 * HOUR_MS : HOUR_MS,
    });
  });
}

Deno.test("DedupIndex answers as the rule on a plain map does", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const index = new DedupIndex(1000);
    const expected = model();
    for (const one of claimsOf(steps)) strictEqual(index.check(one), expected(one));
  }));
});

Deno.test("DedupIndex resumed from an image and changes equals the one that never stopped", () => {
  const plan = fc.record({
    steps: fc.array(step, { maxLength: 200 }),
    image_at: fc.nat(200),
    changes_at: fc.nat(200),
    max_ids: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(fc.property(plan, ({ steps, image_at, changes_at, max_ids }) => {
    const whole = new DedupIndex(max_ids);
    let resumed = new DedupIndex(max_ids);
    claimsOf(steps).forEach((one, at) => {
      if (at === image_at) {
        resumed = DedupIndex.fromImage(resumed.image());
        whole.limit(max_ids + 1);
        resumed.limit(max_ids + 1);
      }
      if (at % 7 === changes_at % 7) {
        // As after a crash: the last image, and everything that was decided since.
        const before = DedupIndex.fromImage(resumed.image());
        resumed.takeChanges();
        resumed.check(one);
        before.applyChanges(resumed.takeChanges());
        resumed = before;
        strictEqual(whole.check(one) !== undefined, true);
      } else strictEqual(resumed.check(one), whole.check(one));
    });
    deepStrictEqual(resumed.image(), whole.image());
    strictEqual(resumed.dropped, whole.dropped);
  }));
});

Deno.test("DedupIndex refuses an image of a format that it does not know", () => {
  const image = new DedupIndex(10).image();
  image[0] ^= 0xff;
  let message = "";
  try {
    DedupIndex.fromImage(image);
  } catch (error) {
    message = error instanceof RangeError ? error.message : "";
  }
  ok(message.startsWith("Cannot read remembered ids"));
});

Deno.test("DedupIndex keeps an id for a copy that another door received earlier", () => {
  const index = new DedupIndex(10);
  const at = (event_id: string, minutes: number) =>
    index.check(claim({ event_id, received_at: 1e12 + minutes * 60_000 }));
  strictEqual(at("e1", 0), "new");
  strictEqual(at("e2", 65), "new");
  strictEqual(at("e1", 30), "duplicate");
  strictEqual(at("e3", 80), "new");
  strictEqual(index.size, 2);
});

Deno.test("DedupIndex finds every id that it still has, after many were removed", () => {
  const index = new DedupIndex(3000);
  const step = (i: number) => index.check(claim({ event_id: `e${i}` }));
  for (let i = 0; i < 20_000; i++) strictEqual(step(i), "new");
  for (let i = 17_000; i < 20_000; i++) strictEqual(step(i), "duplicate", `e${i}`);
  strictEqual(index.size, 3000);
  strictEqual(index.dropped, 17_000);
});
