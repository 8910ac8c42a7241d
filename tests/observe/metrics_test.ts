/** Metrics add up over threads, stay bounded, and read as Prometheus expects. */
import { equal, match, ok } from "node:assert/strict";
import { METRICS } from "../../lib/observe/metric_names.ts";
import { Metrics, prometheusText } from "../../lib/observe/metrics.ts";

Deno.test("prometheusText writes help, type and escaped labels", () => {
  const metrics = new Metrics();
  metrics.counter("events_accepted_total", { source: 'a"b\\c\nd' }).add(3);
  equal(
    prometheusText(metrics.merged()).split("# HELP millrace_requests_rejected_total")[0],
    "# HELP millrace_events_accepted_total Records made durable on the log, by source.\n" +
      "# TYPE millrace_events_accepted_total counter\n" +
      'millrace_events_accepted_total{source="a\\"b\\\\c\\nd"} 3\n',
  );
});

Deno.test("prometheusText names every family, with series or without", () => {
  const text = prometheusText(new Metrics().merged());
  for (const name of Object.keys(METRICS)) match(text, new RegExp(`^# TYPE millrace_${name} `, "m"));
});

Deno.test("prometheusText writes histograms cumulatively up to +Inf", () => {
  const metrics = new Metrics();
  const append = metrics.histogram("append_seconds", {});
  for (const seconds of [0.001, 0.002, 0.3, 99]) append.observe(seconds);
  const text = prometheusText(metrics.merged());
  match(text, /append_seconds_bucket\{le="0.001"\} 1\n/);
  match(text, /append_seconds_bucket\{le="0.0025"\} 2\n/);
  match(text, /append_seconds_bucket\{le="0.5"\} 3\n/);
  match(text, /append_seconds_bucket\{le="\+Inf"\} 4\n/);
  match(text, /append_seconds_sum 99.303\n/);
  match(text, /append_seconds_count 4\n/);
});

Deno.test("Metrics adds what threads say and replaces what one said before", () => {
  const main = new Metrics();
  main.counter("duplicates_total", { source: "stripe" }).add(1);
  const worker = new Metrics();
  const count = worker.counter("duplicates_total", { source: "stripe" });
  count.add(2);
  worker.gauge("active_windows", {}).set(5);
  main.absorb("process-0", worker.samples());
  count.add(2);
  main.absorb("process-0", worker.samples());
  const sum = (name: string) => main.merged().find((sample) => sample.name === name)?.value;
  equal(sum("duplicates_total"), 5);
  equal(sum("active_windows"), 5);
  main.retire("process-0");
  equal(sum("duplicates_total"), 5);
  equal(sum("active_windows"), undefined);
});

Deno.test("Metrics bounds the series of a metric", () => {
  const metrics = new Metrics();
  for (let i = 0; i < 2_000; i++) {
    metrics.counter("requests_rejected_total", { source: `s${i}`, status: "401" }).add();
  }
  const series = metrics.merged();
  ok(series.length <= 501);
  equal(series.reduce((sum, one) => sum + one.value, 0), 2_000);
});

Deno.test("METRICS names are well formed and each has a sentence", () => {
  for (const [name, { help, kind, labels }] of Object.entries(METRICS)) {
    match(name, /^[a-z][a-z0-9_]*$/);
    match(help, /^[A-Z].*\.$/);
    equal(name.endsWith("_total"), kind === "counter", name);
    ok(!labels.some((label: string) => label === "le"), name);
  }
});
