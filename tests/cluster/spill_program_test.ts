/** The door in front of a broker that is away for a short while. */
import { spillOrdeal } from "./spill_ordeal.ts";

Deno.test("the door spills while the broker is away, through its own death and a full disk, and drains in order", () =>
  spillOrdeal({ outage_ms: 0 }));
