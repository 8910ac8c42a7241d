/**
 * An owner that slept while its number was taken and collected creates it once more. Invariant: nobody takes that ghost for
 * decided, publishers and the audit least of all, and it is collected like the rest.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { checkpointNumber } from "../../lib/checkpoint/paths.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { SmallLake, withWriter } from "../lake/small_lake.ts";
import { FaultPlan } from "./fault_plan.ts";
import { faultyStore } from "./faulty_store.ts";

/** Another owner decides the same records in other portions, enough of them for a new image. */
async function anotherOwner(lake: SmallLake): Promise<void> {
  await lake.append(15);
  await lake.process({ at_once: 2 });
}

/** One table lags; the collector listed before the sleeper wrote its segment, so that stays. */
async function publishAndCollect(lake: SmallLake, listed: ReadonlySet<string>): Promise<void> {
  const publisher = lake.publisher();
  const raw = lake.specs.find(({ key }) => key === "raw.events")!;
  while (await publisher.publish(raw, await publisher.decided()));
  const early: ObjectStore = {
    ...faultyStore(lake.store, FaultPlan.none()),
    async *list(prefix, after) {
      for await (const entry of lake.store.list(prefix, after)) {
        if (!prefix.startsWith("segments/") || listed.has(entry.key)) yield entry;
      }
    },
  };
  await lake.collector({ store: early }).collect();
}

Deno.test("a ghost is not published, not audited, and collected in the end", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await lake.append(18);
    await lake.process();
    await lake.publish();
    const listed = new Set(await lake.keys());
    await lake.append(3);
    let creates = 0;
    const store: ObjectStore = {
      ...faultyStore(lake.store, FaultPlan.none()),
      create: async (key, body) => {
        // The first is the fence.
        if (!key.startsWith("checkpoints/") || ++creates !== 2) return await lake.store.create(key, body);
        await anotherOwner(lake);
        await publishAndCollect(lake, listed);
        ok((await lake.chains().get(0)!.numbers())[0] > checkpointNumber(key)!, "the number is free again");
        strictEqual(await lake.store.create(key, body), "created");
        await lake.checkWhole();
        return "created";
      },
    };
    await lake.process({ store });
    ok(creates > 2);
    await lake.checkWhole();
    await lake.append(3);
    await lake.process();
    await lake.publish();
    await lake.collect();
    await lake.checkNothingElse();
    deepStrictEqual(await lake.problems(), []);
  }));
