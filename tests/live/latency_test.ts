/** Latencies are those of the last minute, not of all time. */
import { deepEqual, equal } from "node:assert/strict";
import { bucketOf, Latencies } from "../../lib/live/latency.ts";
import { Metrics } from "../../lib/observe/metrics.ts";

Deno.test("bucketOf gives the bucket that a share of all values does not exceed", () => {
  equal(bucketOf([], [1, 2], 0.95), null);
  equal(bucketOf([0, 0, 0], [1, 2], 0.95), null);
  equal(bucketOf([95, 5, 0], [1, 2], 0.95), 1);
  equal(bucketOf([94, 6, 0], [1, 2], 0.95), 2);
  equal(bucketOf([0, 0, 3], [1, 2], 0.95), 2);
});

Deno.test("Latencies forgets what happened before the last minute", () => {
  const metrics = new Metrics();
  const latencies = new Latencies();
  const append = metrics.histogram("append_seconds", {});
  latencies.take(metrics.samples(), 0);
  append.observe(8);
  latencies.take(metrics.samples(), 10_000);
  equal(latencies.metrics.append_p95_seconds, 10);
  for (let i = 0; i < 40; i++) append.observe(0.002);
  latencies.take(metrics.samples(), 75_000);
  deepEqual(latencies.metrics, {
    append_p95_seconds: 0.0025,
    checkpoint_p95_seconds: null,
    publish_p95_seconds: null,
  });
});
