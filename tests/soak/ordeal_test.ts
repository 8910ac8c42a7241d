/** The cluster's ordeals at length: a hundred kills, sleeps of a minute, workers that come and go every five seconds. */
import { runOrdeals } from "../cluster/ordeals.ts";

Deno.test("a cluster under load survives long ordeals", (t) =>
  runOrdeals(t, {
    kills: 100,
    sleep_ms: 60_000,
    sleeps: 5,
    errors: 20_000,
    turns: 96,
    turn_ms: 5_000,
    outages: 10,
    away_ms: 30_000,
    duels: 40,
    // Upkeep of every kind goes on all the time.
    env: { EXPIRE_EVERY_MS: "5000", AUDIT_EVERY_MS: "10000", MODELS_EVERY_MS: "10000" },
  }));
