/**
 * Publishing. Invariant: a checkpoint's rows and the mark that they are applied come in one commit, whoever publishes, how
 * often, and from however old a look.
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Catalog } from "../../lib/iceberg/catalog.ts";
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import { readFiles } from "../../lib/iceberg/live_files.ts";
import { expireSnapshots, fenceProperties, setProperties } from "../../lib/iceberg/update.ts";
import { APPLIED } from "../../lib/lake/applied.ts";
import type { Publisher } from "../../lib/lake/publisher.ts";
import { dropOldDays } from "../../lib/lake/retention.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { type SmallLake, usedLake, withWriter } from "./small_lake.ts";

const RAW = parseTableKey("raw.events");

const rawOf = (lake: SmallLake) => lake.specs.find(({ key }) => key === "raw.events")!;
const loaded = async (lake: SmallLake) => (await lake.catalog().load(RAW))!;

const CASES: [name: string, check: (lake: SmallLake) => Promise<void>][] = [];

/** Begins with a copy of a lake that has rows which are decided and not published. */
function publishing(name: string, check: (lake: SmallLake) => Promise<void>): void {
  CASES.push([name, check]);
}

Deno.test("publishing", (t) =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    for (const [name, check] of CASES) {
      await t.step(name, async () => {
        await using at = await lake.copy();
        await check(at);
      });
    }
  }));

/** A publisher whose next commit finds that `meanwhile` happened after it wrote its files. */
function interrupted(lake: SmallLake, meanwhile: () => Promise<unknown>): Publisher {
  const catalog = lake.catalog();
  let isFirst = true;
  const racing: Catalog = {
    list: () => catalog.list(),
    load: (name) => catalog.load(name),
    create: (name, metadata) => catalog.create(name, metadata),
    commit: async (base, next, id) => {
      if (isFirst) await meanwhile();
      isFirst = false;
      return await catalog.commit(base, next, id);
    },
  };
  return lake.publisher({ catalog: racing });
}

async function change(
  lake: SmallLake,
  plan: Parameters<typeof commitUpdate>[0]["plan"],
): Promise<void> {
  await commitUpdate({ catalog: lake.catalog(), store: lake.store, clock: lake.clock, name: RAW, plan });
}

publishing(
  "whatever owners decided, one after the other, is published, also what its owner did not live to see",
  async (lake) => {
    for (let owner = 0; owner < 2; owner++) {
      await lake.append(3);
      await lake.process();
    }
    const publisher = lake.publisher();
    strictEqual((await publisher.publish(rawOf(lake), await publisher.decided()))?.rows, 6 + 2 * 3);
    await lake.checkWhole();
  },
);

publishing("a publisher that lost to another reads again what is applied, and adds nothing", async (lake) => {
  const publisher = interrupted(lake, () => lake.publish());
  strictEqual(await publisher.publish(rawOf(lake), await publisher.decided()), null);
  await lake.checkWhole();
});

publishing("a publisher that lost to a part of its rows takes the rest", async (lake) => {
  const decided = (await lake.publisher().decided()).get(0)!;
  const newest = decided.at(-1)!;
  const part = new Map([[0, decided.filter((one) => one.number < newest.number)]]);
  const publisher = interrupted(lake, () => lake.publisher().publish(rawOf(lake), part));
  const published = await publisher.publish(rawOf(lake), new Map([[0, decided]]));
  strictEqual(published?.rows, newest.tables["raw.events"].rows);
  await lake.checkWhole();
});

publishing(
  "files that were written before a collection are not used after it, those before a plain commit are",
  async (lake) => {
    const parquet = async () => (await lake.keys("lake/raw/events/data/")).length;
    for (const [isFence, more] of [[false, 1], [true, 2]] as const) {
      await lake.append(1);
      await lake.process();
      const before = await parquet();
      const publisher = interrupted(lake, () =>
        change(lake, ({ metadata }) => ({
          metadata: setProperties(metadata, isFence ? fenceProperties(metadata) : { some: "thing" }, 0),
        })));
      await publisher.publish(rawOf(lake), await publisher.decided());
      strictEqual(await parquet(), before + more);
    }
    await lake.checkWhole();
  },
);

publishing("files that were written for another schema are written anew", async (lake) => {
  const before = (await lake.keys("lake/raw/events/data/")).length;
  const publisher = interrupted(lake, () =>
    change(lake, ({ metadata }) => {
      const id = metadata["current-schema-id"] + 1;
      const schema = { ...metadata.schemas.at(-1)!, "schema-id": id };
      return {
        metadata: { ...metadata, "current-schema-id": id, schemas: [...metadata.schemas, schema] },
      };
    }));
  await publisher.publish(rawOf(lake), await publisher.decided());
  strictEqual((await lake.keys("lake/raw/events/data/")).length, before + 2);
  await lake.checkWhole();
});

publishing("a segment that is gone stops the commit, and nothing is marked as applied", async (lake) => {
  const publisher = lake.publisher();
  const decided = await publisher.decided();
  const { segment } = decided.get(0)!.at(-1)!;
  await lake.store.delete([segment!.key]);
  const before = await loaded(lake);
  await rejects(publisher.publish(rawOf(lake), decided), { code: "segment_missing" });
  strictEqual((await loaded(lake)).version, before.version);
});

publishing("a segment that holds fewer rows than were decided stops the commit", async (lake) => {
  const publisher = lake.publisher();
  const decided = (await publisher.decided()).get(0)!;
  const newest = decided.at(-1)!;
  const tables = { ...newest.tables, "raw.events": { ...newest.tables["raw.events"], rows: 99 } };
  const more = new Map([[0, [...decided.slice(0, -1), { ...newest, tables }]]]);
  await rejects(publisher.publish(rawOf(lake), more), { code: "rows_miscounted" });
});

publishing("a table without new rows is not committed", async (lake) => {
  await lake.publish();
  const { version } = await loaded(lake);
  for (let i = 0; i < 2; i++) await lake.publish();
  strictEqual((await loaded(lake)).version, version);
});

publishing(
  "every commit of any kind leaves what is applied in properties and summary alike",
  async (lake) => {
    const applied: (string | undefined)[] = [];
    const look = async () => {
      const { metadata } = await loaded(lake);
      const current = metadata.snapshots.find((one) =>
        one["snapshot-id"] === metadata["current-snapshot-id"]
      );
      strictEqual(current?.summary[APPLIED], metadata.properties[APPLIED]);
      applied.push(metadata.properties[APPLIED]);
    };
    await lake.publish();
    await look();
    await lake.compact();
    await look();
    await lake.expire();
    await look();
    await lake.collect();
    await look();
    lake.clock.time += 40 * 86_400_000;
    ok(
      await dropOldDays({ catalog: lake.catalog(), store: lake.store, clock: lake.clock }, RAW, { days: 30 }),
    );
    await look();
    strictEqual(new Set(applied).size, 1);
    ok(applied[0] !== undefined);
    deepStrictEqual(await lake.problems(), []);
  },
);

publishing("an old checkpoint that is replayed after every snapshot expired is ignored", async (lake) => {
  const old = await lake.publisher().decided();
  await lake.publish();
  lake.clock.time += 30 * 86_400_000;
  for (const { key } of lake.specs) {
    await commitUpdate({
      catalog: lake.catalog(),
      store: lake.store,
      clock: lake.clock,
      name: parseTableKey(key),
      plan: ({ metadata }) => ({ metadata: expireSnapshots(metadata, new Set(), lake.clock.time) }),
    });
  }
  strictEqual((await loaded(lake)).metadata.snapshots.length, 1);
  const { version } = await loaded(lake);
  for (const spec of lake.specs) strictEqual(await lake.publisher().publish(spec, old), null);
  strictEqual((await loaded(lake)).version, version);
  strictEqual((await readFiles(lake.store, (await loaded(lake)).metadata)).length > 0, true);
  await lake.checkWhole();
});
