/** Events on 10,000 different days in one batch: memory stays flat, they come in several commits, and the audit is clean. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { SmallLake, withWriter } from "../lake/small_lake.ts";

const DAYS = 10_000;
const DAY_MS = 86_400_000;
const MOST_GROWTH_BYTES = 600 * 1024 * 1024;

Deno.test(`events on ${DAYS} days are as many rows, in bounded memory and bounded commits`, () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    lake.clock.time = Date.parse("1990-01-01T12:00:00Z");
    for (let day = 0; day < DAYS; day++) {
      await lake.append(1);
      lake.clock.time += DAY_MS;
    }
    await lake.process({ at_once: 4_000 });
    const before = Deno.memoryUsage().rss;
    const publisher = lake.publisher();
    const decided = await publisher.decided();
    const sizes = decided.get(0)!.map((one) => one.next_offset - one.first_offset);
    ok(sizes.every((size) => size <= 200), `${Math.max(...sizes)} days in one segment`);
    let most = 0;
    for (const spec of lake.specs) {
      while (await publisher.publish(spec, decided)) most = Math.max(most, Deno.memoryUsage().rss);
      const { metadata } = (await lake.catalog().load(parseTableKey(spec.key)))!;
      ok(metadata["last-sequence-number"] >= DAYS / 1_200, `${metadata["last-sequence-number"]} commits`);
    }
    ok(most - before < MOST_GROWTH_BYTES, `memory grew by ${Math.round((most - before) / 2 ** 20)} MiB`);
    deepStrictEqual(await lake.problems(), []);
  }));
