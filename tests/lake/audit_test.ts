/** The audit finds each defect that it is there for, and calls it by its name. */
import { deepStrictEqual, ok } from "node:assert/strict";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";
import { checkpointKey } from "../../lib/checkpoint/paths.ts";
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import { readFiles, readManifestList } from "../../lib/iceberg/live_files.ts";
import { tablePrefix } from "../../lib/iceberg/paths.ts";
import { currentSnapshot } from "../../lib/iceberg/snapshot.ts";
import { setProperties } from "../../lib/iceberg/update.ts";
import { APPLIED } from "../../lib/lake/applied.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { PREFIX, SmallLake, withWriter } from "./small_lake.ts";

const RAW = parseTableKey("raw.events");

/** Decides one checkpoint more, which says what it should not. */
async function decide(lake: SmallLake, wrong: (newest: Checkpoint) => Partial<Checkpoint>): Promise<void> {
  const chain = lake.chains().get(0)!;
  const newest = (await chain.head()).checkpoint!;
  const number = newest.number + 1;
  const { next_offset } = newest;
  const next = { ...newest, number, previous: newest.number, first_offset: next_offset, tables: {} };
  const attempt = await chain.attempt({ ...next, write_id: "wrong", ...wrong(newest) });
  deepStrictEqual(attempt, { outcome: "won" });
}

async function commit(lake: SmallLake, plan: Parameters<typeof commitUpdate>[0]["plan"]): Promise<void> {
  await commitUpdate({ catalog: lake.catalog(), store: lake.store, clock: lake.clock, name: RAW, plan });
}

async function firstFile(lake: SmallLake) {
  const { metadata } = (await lake.catalog().load(RAW))!;
  return (await readFiles(lake.store, metadata))[0];
}

const DEFECTS: { defect: string; says: RegExp; plant: (lake: SmallLake) => Promise<void> }[] = [
  {
    defect: "a gap between two checkpoints",
    says: /checkpoint 9 begins at \d+, 8 ends at \d+/,
    plant: (lake) => decide(lake, ({ next_offset }) => ({ first_offset: next_offset + 1 })),
  },
  {
    defect: "an overlap of two checkpoints",
    says: /checkpoint 9 begins at \d+, 8 ends at \d+/,
    plant: (lake) => decide(lake, ({ next_offset }) => ({ first_offset: next_offset - 1 })),
  },
  ...["newest", "middle"].map((which) => ({
    defect: `a damaged checkpoint, the ${which}`,
    says: /checkpoint \d of partition 0 is damaged/,
    plant: async (lake: SmallLake) => {
      const numbers = await lake.chains().get(0)!.numbers();
      const path = lake.store.localPath(checkpointKey(0, numbers.at(which === "newest" ? -1 : -3)!))!;
      await Deno.truncate(path, 100);
    },
  })),
  {
    defect: "an outcome that was not counted",
    says: /source token accepted \d+, but its outcomes are \d+/,
    plant: (lake) =>
      decide(lake, ({ sources: { token } }) => ({
        sources: { token: { ...token, accepted: token.accepted + 1 } },
      })),
  },
  {
    defect: "a table that somebody rolled back",
    says: /applied differs between properties and the current snapshot/,
    plant: (lake) =>
      commit(lake, ({ metadata }) => ({ metadata: setProperties(metadata, { [APPLIED]: "{}" }, 0) })),
  },
  {
    defect: "rows that no checkpoint decided",
    says: /rows were decided and applied, the table has/,
    plant: async (lake) => {
      const file = await firstFile(lake);
      const path = file.path.replace(".parquet", "-again.parquet");
      const local = (address: string) => lake.store.localPath(lake.store.keyOf(address)!)!;
      await Deno.copyFile(local(file.path), local(path));
      await commit(lake, ({ metadata }) => ({
        operation: "append",
        added: [{ ...file, path }],
        summary: { [APPLIED]: metadata.properties[APPLIED] },
      }));
    },
  },
  {
    defect: "a data file that is gone",
    says: /\.parquet is gone/,
    plant: async (lake) => await lake.store.delete([lake.store.keyOf((await firstFile(lake)).path)!]),
  },
  {
    defect: "a table that is gone",
    says: /raw\.events: \d+ rows were decided and applied, and the table is not there/,
    async plant(lake) {
      await decide(
        lake,
        ({ totals }) => ({ totals: { ...totals, "raw.events": { newest: 1, rows: 1_000 } } }),
      );
      await lake.store.delete(await lake.keys(tablePrefix(PREFIX, RAW)));
    },
  },
  {
    defect: "a segment that is gone before it was published",
    says:
      /raw\.events: the segment of checkpoint \d+ of partition 0 is gone, and its rows were not published/,
    async plant(lake) {
      await lake.append(3);
      await lake.process();
      const { segment } = (await lake.chains().get(0)!.head()).checkpoint!;
      await lake.store.delete([segment!.key]);
    },
  },
  {
    defect: "a data file that was cut",
    says: /has \d+ bytes, its manifest says \d+/,
    plant: async (lake) => {
      const { path, size_bytes } = await firstFile(lake);
      await Deno.truncate(lake.store.localPath(lake.store.keyOf(path)!)!, size_bytes - 1);
    },
  },
  {
    defect: "metadata that was cut",
    says: /^raw\.events: Cannot read .*\/v\d+\.metadata\.json: it is damaged/,
    plant: async (lake) => await cut(lake, (await lake.catalog().load(RAW))!.metadata_location),
  },
  {
    defect: "a list of manifests that was cut",
    says: /^raw\.events: Cannot read .*\/snap-.*\.avro: it is damaged/,
    plant: async (lake) =>
      await cut(lake, currentSnapshot((await lake.catalog().load(RAW))!.metadata)!["manifest-list"]),
  },
  {
    defect: "a manifest that is gone",
    says: /^raw\.events: Cannot read .*m\d+\.avro: it is no longer there/,
    plant: async (lake) => {
      const list = currentSnapshot((await lake.catalog().load(RAW))!.metadata)!["manifest-list"];
      const [{ path }] = await readManifestList(lake.store, list);
      await lake.store.delete([lake.store.keyOf(path)!]);
    },
  },
];

/** Cuts the object in half. */
async function cut(lake: SmallLake, address: string): Promise<void> {
  const path = lake.store.localPath(lake.store.keyOf(address)!)!;
  await Deno.truncate(path, (await Deno.stat(path)).size >> 1);
}

Deno.test("the audit finds each planted defect", async (t) => {
  await withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await lake.append(21);
    await lake.process();
    await lake.publish();
    deepStrictEqual(await lake.problems(), []);
    for (const { defect, says, plant } of DEFECTS) {
      await t.step(defect, async () => {
        await using spoilt = await lake.copy();
        await plant(spoilt);
        const problems = await spoilt.problems();
        ok(problems.some((problem) => says.test(problem)), `${says} in:\n${problems.join("\n")}`);
      });
    }
  });
});

Deno.test("of a table that cannot be read the audit says this alone, whatever segments are gone", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await lake.append(6);
    await lake.process();
    await lake.publish();
    const { metadata_location } = (await lake.catalog().load(RAW))!;
    await Deno.truncate(lake.store.localPath(lake.store.keyOf(metadata_location)!)!, 100);
    await lake.store.delete(await lake.keys("segments/"));
    const problems = await lake.problems();
    deepStrictEqual(problems.length, 1);
    ok(/^raw\.events: Cannot read .*: it is damaged/.test(problems[0]), problems[0]);
  }));

Deno.test("the audit finds a record that stands in raw.events twice, and an outcome that stands there for another", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await lake.append(6);
    await lake.process();
    await lake.publish();
    const twice = `(SELECT * FROM $ UNION ALL SELECT * FROM $ WHERE log_offset = 3)`;
    const other =
      `(SELECT * REPLACE (CASE log_offset WHEN 3 THEN 'unmapped' ELSE outcome END AS outcome) FROM $)`;
    const problemsWith = async (relation: string) => {
      const rows = lake.rows.bind(lake);
      lake.rows = (table, sql) => rows(table, (raw) => sql(relation.replaceAll("$", raw)));
      const problems = await lake.problems();
      lake.rows = rows;
      return problems.join("\n");
    };
    ok(/the record at 0\/3 stands there more than once/.test(await problemsWith(twice)));
    const wrong = await problemsWith(other);
    ok(/token row was counted 6 times, and stands there 5 times/.test(wrong), wrong);
    ok(/token unmapped was counted 0 times, and stands there 1 times/.test(wrong), wrong);
  }));

Deno.test("an audit among many looks at new files, and remembers those that are live and no others", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await lake.append(21);
    await lake.process();
    await lake.publish();
    const within = { seen: new Set<string>(), raw_bytes: Number.MAX_SAFE_INTEGER, recent: 0 };
    const liveFiles = async () => {
      const tables = await Promise.all(lake.specs.map(({ key }) => lake.catalog().load(parseTableKey(key))));
      return (await Promise.all(tables.map((table) => readFiles(lake.store, table!.metadata)))).flat().map((
        { path },
      ) => path).sort();
    };
    deepStrictEqual(await lake.problems(within), []);
    const before = await liveFiles();
    deepStrictEqual([...within.seen].sort(), before);
    await lake.compact();
    deepStrictEqual(await lake.problems(within), []);
    const after = await liveFiles();
    ok(after.length < before.length, `${after.length} of ${before.length}`);
    deepStrictEqual([...within.seen].sort(), after);
  }));
