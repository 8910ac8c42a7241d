/** Rates hold over time whatever the size of a piece, and what is remembered is bounded. */
import { equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { clientAddress } from "../../routes/client_address.ts";
import { BytesInFlight, RateLimit } from "../../routes/limits.ts";
import { SeenIds } from "../../routes/seen_ids.ts";
import { handClock } from "./test_app.ts";

Deno.test("RateLimit lets through no more than the rate and one piece, over any time", () => {
  const steps = fc.array(fc.record({ wait_ms: fc.nat(3_000), count: fc.integer({ min: 1, max: 50 }) }));
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 40 }), (all, rate_per_second) => {
    const clock = handClock(0);
    const limit = new RateLimit({ rate_per_second, clock });
    let taken = 0;
    for (const { wait_ms, count } of all) {
      clock.advance(wait_ms);
      if (limit.take("a", count) === 0) taken += count;
      ok(taken <= rate_per_second * (1 + clock.now() / 1000) + 50);
    }
  }));
});

Deno.test("RateLimit says truly when to come again", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 500 }), (rate, count) => {
    const clock = handClock(0);
    const limit = new RateLimit({ rate_per_second: rate, clock });
    limit.take("a", count);
    const wait_s = limit.take("a");
    if (wait_s === 0) return;
    clock.advance(wait_s * 1000 + 1);
    equal(limit.take("a"), 0);
  }));
});

Deno.test("RateLimit forgets the key that was idle for longest, and a rate of 0 is none", () => {
  const clock = handClock(0);
  const limit = new RateLimit({ rate_per_second: 1, clock, max_keys: 100 });
  for (let i = 0; i < 1_000; i++) limit.take(`10.0.${i >> 8}.${i & 255}`);
  equal(limit.keys, 100);
  const open = new RateLimit({ rate_per_second: 0, clock });
  for (let i = 0; i < 1_000; i++) equal(open.take("a"), 0);
});

Deno.test("BytesInFlight gives no more room than there is", () => {
  const bytes = new BytesInFlight(100);
  ok(bytes.take(60));
  ok(!bytes.take(60));
  bytes.give(60);
  ok(bytes.take(100));
});

Deno.test("SeenIds knows the last ids of each source and forgets old ones", () => {
  const seen = new SeenIds(100);
  equal(seen.see("stripe", "a"), false);
  equal(seen.see("stripe", "a"), true);
  equal(seen.see("github", "a"), false);
  for (let i = 0; i < 2_000; i++) equal(seen.see("stripe", `id${i}`), false);
  equal(seen.see("stripe", "id1999"), true);
  equal(seen.see("stripe", "a"), false);
});

Deno.test("clientAddress believes as many proxies as it is told to, and no client", () => {
  const connection = { remoteAddr: { hostname: "10.0.0.1" } };
  const forwarded = new Headers({ "x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.0.0.2" });
  equal(clientAddress(forwarded, connection, 0), "10.0.0.1");
  equal(clientAddress(forwarded, connection, 1), "10.0.0.2");
  equal(clientAddress(forwarded, connection, 2), "203.0.113.9");
  equal(clientAddress(new Headers(), connection, 2), "10.0.0.1");
  equal(clientAddress(new Headers(), undefined, 0), "unknown");
});

Deno.test("clientAddress counts an IPv6 network as one client", () => {
  const of = (hostname: string) => clientAddress(new Headers(), { remoteAddr: { hostname } }, 0);
  equal(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
  equal(of("2001:db8:1:3::1") === of("2001:db8:1:2::1"), false);
  equal(of("::ffff:192.0.2.1"), "192.0.2.1");
  equal(of("::1"), of("::2"));
});
