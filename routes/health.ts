/** `/livez`, `/readyz`, `/health`: is it alive, can it do its work, and which part cannot. */
import { Hono } from "hono";
import { type Health, readiness } from "../lib/observe/health.ts";
import type { Scrub } from "../lib/observe/scrub.ts";
import type { Env } from "./door.ts";

export interface HealthDeps {
  role: string;
  health: Health;
  scrub: Scrub;
}

export function health({ role, health, scrub }: HealthDeps): Hono<Env> {
  return new Hono<Env>()
    .get("/livez", (c) => c.json({ status: "alive", role }))
    .get("/readyz", async (c) => {
      const reports = await health.report();
      const status = readiness(reports);
      const dependencies = reports.map(({ detail, ...report }) => ({
        ...report,
        ...(detail ? { detail: scrub(detail) } : {}),
      }));
      return c.json({ status, role, dependencies }, status === "unready" ? 503 : 200);
    })
    .get("/health", async (c) => {
      const reports = await health.report();
      const words = Object.fromEntries(reports.map(({ name, condition }) => [name, condition]));
      return c.json(words, readiness(reports) === "unready" ? 503 : 200);
    });
}
