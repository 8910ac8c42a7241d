/** `/metrics`: every number of the process as Prometheus text. */
import { Hono } from "hono";
import { type Metrics, prometheusText } from "../lib/observe/metrics.ts";
import type { Env } from "./door.ts";

export function metrics({ metrics }: { metrics: Metrics }): Hono<Env> {
  return new Hono<Env>().get("/metrics", (c) => {
    return c.text(prometheusText(metrics.merged()), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    });
  });
}
