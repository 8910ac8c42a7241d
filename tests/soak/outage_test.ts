/** The broker is away for ten minutes, the door is killed and started again meanwhile: every event once, in order. */
import { spillOrdeal } from "../cluster/spill_ordeal.ts";

Deno.test("the door spills for ten minutes, and drains in order", () => spillOrdeal({ outage_ms: 600_000 }));
