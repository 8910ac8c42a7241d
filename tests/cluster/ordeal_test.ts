/** Kills, zombies, duels, rebalances and outages on a real broker and a real S3 server: nothing lost, nothing doubled. */
import { runOrdeals } from "./ordeals.ts";

Deno.test("a cluster under load survives its ordeals", (t) =>
  runOrdeals(t, {
    kills: 6,
    sleep_ms: 0,
    sleeps: 1,
    errors: 200,
    turns: 4,
    turn_ms: 2_000,
    outages: 2,
    away_ms: 2_000,
    duels: 3,
  }));
