/**
 * The newest checkpoint is damaged after tables have taken its rows: all of them, some of them, or none. Invariant: the next
 * owner goes on from the one before, every record is one row in every table, and everything settles.
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { checkpointKey } from "../../lib/checkpoint/paths.ts";
import { readStatus } from "../../lib/lake/status.ts";
import { SmallLake, withWriter } from "../lake/small_lake.ts";

async function damageNewest(lake: SmallLake): Promise<void> {
  const highest = (await lake.chains().get(0)!.numbers()).at(-1)!;
  const key = checkpointKey(0, highest);
  const bytes = (await lake.store.read(key))!;
  await lake.store.delete([key]);
  await lake.store.create(key, bytes.subarray(0, bytes.length >> 1));
}

const APPLIED = [[], ["raw.events"], ["raw.events", "processed.transactions"]] as const;

for (const applied of APPLIED) {
  for (const more of [0, 5]) {
    const name = `${applied.length} tables have its rows, ${more} records come later`;
    Deno.test(`a damaged newest checkpoint loses and doubles nothing: ${name}`, () =>
      withWriter(async (writer) => {
        await using lake = await SmallLake.open(writer);
        await lake.append(9);
        await lake.process();
        const publisher = lake.publisher();
        const decided = await publisher.decided();
        for (const spec of lake.specs.filter(({ key }) => (applied as readonly string[]).includes(key))) {
          while (await publisher.publish(spec, decided));
        }
        await damageNewest(lake);
        const alarms: string[] = [];
        await lake.publisher({ alarm: (message) => void alarms.push(message) }).decided();
        match(
          alarms.join(),
          /^checkpoint \d+ of partition 0 is damaged \(hash does not match\); passed over$/,
        );
        await lake.append(more);
        // In portions that would not end where the damaged one did.
        await lake.process({ at_once: 5 });
        await lake.process({ at_once: 2 });
        await lake.checkWhole();
        await lake.collect();
        await lake.checkWhole();
        const status = await readStatus({
          log: lake.log,
          catalog: lake.catalog(),
          chains: lake.chains(),
          clock: lake.clock,
          spill: () => ({ records: 0, bytes: 0, oldest_ms: null }),
        });
        deepStrictEqual(status.settled, true);
        ok(status.accounting.every(({ holds, in_flight }) => holds && in_flight === 0));
      }));
  }
}
