/** What every catalog must do, as one suite: commits are atomic, linear, and found again when their answer is lost. */
import assert from "node:assert/strict";
import type { Catalog, LoadedTable, TableName } from "../../lib/iceberg/catalog.ts";
import { type CommitOptions, commitUpdate } from "../../lib/iceberg/commit.ts";
import type { DataFile } from "../../lib/iceberg/data_file.ts";
import { readFiles, readManifestList } from "../../lib/iceberg/live_files.ts";
import { tableLocation, versionOf, versionPrefix } from "../../lib/iceberg/paths.ts";
import { currentSnapshot } from "../../lib/iceberg/snapshot.ts";
import { evolveSchema, newTableMetadata, setProperties } from "../../lib/iceberg/update.ts";
import type { Created, ObjectStore } from "../../lib/store/object_store.ts";

/** A fresh and empty catalog over a store that went through `wrap`. */
export interface OpenedCatalog extends AsyncDisposable {
  catalog: Catalog;
  store: ObjectStore;
  prefix: string;
}

export type OpenCatalog = (wrap?: (store: ObjectStore) => ObjectStore) => Promise<OpenedCatalog>;

const NAME: TableName = { stage: "processed", name: "things" };
const COMMITTERS = 5;
const APPENDS = 20;
const pausing = { clock: { now: () => 1_000_000, sleep: () => Promise.resolve() } };

/** `commits`: how many the test of growth makes; 1,000 where a commit costs nothing. */
export function catalogContract(name: string, open: OpenCatalog, { commits = 1000 } = {}): void {
  const contract = (title: string, check: (opened: OpenedCatalog) => Promise<void>) =>
    Deno.test(`${name}: ${title}`, async () => {
      await using opened = await open();
      await check(opened);
    });
  creating(contract);
  committing(contract);
  growing(contract, commits);
  racing(contract);
  losing(name, open);
}

type Contract = (title: string, check: (opened: OpenedCatalog) => Promise<void>) => void;

function creating(contract: Contract): void {
  contract("`load` and `list` know nothing of a table that was never made", async ({ catalog }) => {
    assert.equal(await catalog.load(NAME), null);
    assert.deepEqual(await catalog.list(), []);
  });

  contract("`create` makes one table of racing creators, and all adopt it", async (opened) => {
    const { catalog } = opened;
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, i) => catalog.create(NAME, metadata(opened, `${i}`))),
    );
    assert.equal(new Set(made.map((table) => table.metadata["table-uuid"])).size, 1);
    const later = await catalog.create(NAME, metadata(opened, "late"));
    assert.equal(later.metadata["table-uuid"], made[0].metadata["table-uuid"]);
    assert.deepEqual(await catalog.list(), [NAME]);
  });

  contract("`load` gives the metadata that was created, under an absolute address", async (opened) => {
    const wanted = metadata(opened, "one");
    const { metadata_location } = await opened.catalog.create(NAME, wanted);
    const loaded = await opened.catalog.load(NAME);
    assert.deepEqual(loaded?.metadata, wanted);
    assert.equal(loaded?.metadata_location, metadata_location);
    assert.match(metadata_location, /^[a-z0-9]+:\/\//);
  });
}

function committing(contract: Contract): void {
  contract("`commit` moves the table once, and says so to the second", async (opened) => {
    const { catalog } = opened;
    const base = await catalog.create(NAME, metadata(opened, "one"));
    const set = (key: string) => setProperties(base.metadata, { [key]: "1" }, 5);
    const committed = await catalog.commit(base, set("first"), "w1");
    assert.equal(await catalog.commit(base, set("second"), "w2"), null);
    const loaded = await catalog.load(NAME);
    assert.deepEqual(loaded, committed);
    assert.equal(loaded?.metadata.properties.first, "1");
    assert.equal(loaded?.metadata.properties.second, undefined);
    assert.deepEqual(loaded?.metadata["metadata-log"].map((one) => one["metadata-file"]), [
      base.metadata_location,
    ]);
  });

  contract("`commitUpdate` carries properties forward through every kind of change", async (opened) => {
    await opened.catalog.create(NAME, metadata(opened, "one"));
    await commit(opened, () => append("a", { applied: "7" }));
    await commit(opened, ({ metadata }) => ({
      metadata: evolveSchema(metadata, [{ change: "add", column: { name: "b", type: "long" } }], 0),
    }));
    await commit(
      opened,
      ({ metadata }) => ({ operation: "replace", added: [file("b")], removed: [uri(metadata, "a")] }),
    );
    await commit(opened, () => ({ operation: "append", added: [], properties: { collected: "1" } }));
    const table = await opened.catalog.load(NAME);
    assert.equal(table?.metadata.properties.applied, "7");
    assert.deepEqual(await paths(opened), ["b"]);
    assert.equal(await commit(opened, () => null), null);
    assert.equal((await opened.catalog.load(NAME))?.version, table?.version);
  });
}

function growing(contract: Contract, commits: number): void {
  contract(`${commits} commits keep metadata and the number of manifests bounded`, async (opened) => {
    await opened.catalog.create(NAME, metadata(opened, "one"));
    let sequence = 0;
    for (let i = 0; i < commits; i++) {
      await commit(opened, () => append(`f${i}`), { clock: { ...pausing.clock, now: () => i * 5000 } });
    }
    const { metadata: final } = (await opened.catalog.load(NAME))!;
    const log = final["metadata-log"].map((one) => one["metadata-file"]);
    assert.ok(log.length >= Math.min(commits, 100) && log.length <= 120, `${log.length} entries`);
    assert.deepEqual(await versions(opened), [...log.map(versionOf), commits + 1]);
    assert.equal(final["last-sequence-number"], commits);
    const list = await readManifestList(opened.store, currentSnapshot(final)!["manifest-list"]);
    assert.ok(list.length <= 101, `${list.length} manifests`);
    const files = await readFiles(opened.store, final);
    assert.equal(files.length, commits);
    for (const one of files.toSorted((a, b) => a.sequence_number - b.sequence_number)) {
      assert.equal(one.sequence_number, ++sequence, "a merged file keeps its sequence number");
      assert.ok(one.path.endsWith(`/data/f${sequence - 1}.parquet`));
    }
    assert.equal(currentSnapshot(final)!.summary["total-records"], String(10 * commits));
    assert.ok(final.snapshots.length < 400, `${final.snapshots.length} snapshots`);
  });
}

function racing(contract: Contract): void {
  contract("5 committers x 20 appends leave exactly 100 files and a linear history", async (opened) => {
    await opened.catalog.create(NAME, metadata(opened, "one"));
    await Promise.all(
      Array.from({ length: COMMITTERS }, async (_, committer) => {
        for (let i = 0; i < APPENDS; i++) await commit(opened, () => append(`c${committer}-${i}`));
      }),
    );
    const { metadata: final, version } = (await opened.catalog.load(NAME))!;
    assert.equal(version, 1 + COMMITTERS * APPENDS);
    assert.equal(new Set(await paths(opened)).size, COMMITTERS * APPENDS);
    assert.equal((await paths(opened)).length, COMMITTERS * APPENDS);
    assertLinear(final);
    assert.equal(currentSnapshot(final)!.summary["total-data-files"], "100");
  });

  contract("compactions race appends without losing or doubling a file", async (opened) => {
    await opened.catalog.create(NAME, metadata(opened, "one"));
    let compacted = 0;
    const compact = async () => {
      for (let i = 0; i < 15; i++) {
        await commit(opened, async ({ metadata }) => {
          const live = await readFiles(opened.store, metadata);
          if (live.length < 2) return null;
          const record_count = live.reduce((sum, one) => sum + one.record_count, 0);
          const added = [{ ...file(`compacted-${compacted++}`), record_count }];
          return { operation: "replace", added, removed: live.map((one) => one.path) };
        });
      }
    };
    const appends = async (who: string) => {
      for (let i = 0; i < APPENDS; i++) await commit(opened, () => append(`${who}${i}`));
    };
    await Promise.all([appends("a"), appends("b"), compact(), compact()]);
    const final = (await opened.catalog.load(NAME))!.metadata;
    const live = await readFiles(opened.store, final);
    assert.equal(live.reduce((sum, one) => sum + one.record_count, 0), 2 * APPENDS * 10);
    assert.equal(currentSnapshot(final)!.summary["total-records"], String(2 * APPENDS * 10));
    assert.equal(currentSnapshot(final)!.summary["total-data-files"], String(live.length));
    assertLinear(final);
  });

  contract("`commitUpdate` refuses to replace a file that is not in the table", async (opened) => {
    await opened.catalog.create(NAME, metadata(opened, "one"));
    await commit(opened, () => append("a"));
    await assert.rejects(
      commit(opened, ({ metadata }) => ({
        operation: "replace",
        added: [file("b")],
        removed: [uri(metadata, "a"), uri(metadata, "gone")],
      })),
      { code: "inputs_gone" },
    );
    assert.deepEqual(await paths(opened), ["a"]);
  });
}

/** Answers get lost: the commit is found again by its writer, and happens once. */
function losing(name: string, open: OpenCatalog): void {
  const cases = [["once", 1], ["three times in a row", 3]] as const;
  for (const [how_often, losses] of cases) {
    for (const happens of [true, false]) {
      const state = happens ? "was stored" : "was not stored";
      Deno.test(`${name}: a commit that ${state} and whose answer is lost ${how_often} happens once`, async () => {
        const lossy = losingStore({ losses, happens });
        await using opened = await open(lossy.wrap);
        await opened.catalog.create(NAME, metadata(opened, "one"));
        lossy.arm();
        await commit(opened, () => append("a"));
        await commit(opened, () => append("b"));
        assert.deepEqual(await paths(opened), ["b", "a"]);
        assert.equal((await opened.catalog.load(NAME))?.version, 3);
      });
    }
  }

  Deno.test(`${name}: \`commit\` finds out itself whether a lost answer was a win`, async () => {
    const lossy = losingStore({ losses: 1, happens: true });
    await using opened = await open(lossy.wrap);
    const base = await opened.catalog.create(NAME, metadata(opened, "one"));
    lossy.arm();
    const won = await opened.catalog.commit(base, setProperties(base.metadata, { a: "1" }, 5), "ours");
    assert.equal(won?.version, 2);
    lossy.arm();
    assert.equal(
      await opened.catalog.commit(base, setProperties(base.metadata, { a: "2" }, 5), "late"),
      null,
    );
  });

  Deno.test(`${name}: a commit whose answer is lost is found beneath another commit`, async () => {
    const lossy = losingStore({ losses: 1, happens: true });
    await using opened = await open(lossy.wrap);
    await opened.catalog.create(NAME, metadata(opened, "one"));
    let plans = 0;
    lossy.onLoss = async () => void await commit(opened, () => append("other"));
    lossy.arm();
    await commit(opened, () => {
      plans++;
      return append("ours");
    });
    assert.deepEqual(await paths(opened), ["other", "ours"]);
    assert.equal(plans, 1, "the writer saw that its commit stands");
    assertLinear((await opened.catalog.load(NAME))!.metadata);
  });
}

interface LosingStore {
  wrap(store: ObjectStore): ObjectStore;
  /** From now on the answers to creating metadata versions are lost, until `losses` are. */
  arm(): void;
  onLoss: () => Promise<void>;
}

function losingStore({ losses, happens }: { losses: number; happens: boolean }): LosingStore {
  let left = 0;
  const losing: LosingStore = {
    arm: () => left = losses,
    onLoss: () => Promise.resolve(),
    wrap: (store) =>
      new Proxy(store, {
        get(target, property) {
          const value = Reflect.get(target, property, target);
          if (property === "create") return create;
          return typeof value === "function" ? value.bind(target) : value;
        },
      }),
  };
  const original = losing.wrap;
  let inner: ObjectStore;
  losing.wrap = (store) => original(inner = store);
  async function create(key: string, body: Uint8Array): Promise<Created> {
    if (left === 0 || !key.endsWith(".metadata.json")) return await inner.create(key, body);
    left--;
    if (happens) await inner.create(key, body);
    const { onLoss } = losing;
    losing.onLoss = () => Promise.resolve();
    await onLoss();
    return "unknown";
  }
  return losing;
}

function metadata({ store, prefix }: OpenedCatalog, uuid: string) {
  return newTableMetadata({
    uuid,
    location: tableLocation(store, prefix, NAME),
    columns: [{ name: "id", type: "long", doc: "A number." }, { name: "at", type: "timestamp" }],
    partition: [{ column: "at", transform: "day" }],
    at: 1,
  });
}

let location = "";

function commit(
  { catalog, store, prefix }: OpenedCatalog,
  plan: CommitOptions["plan"],
  more: Partial<CommitOptions> = {},
): Promise<LoadedTable | null> {
  location = tableLocation(store, prefix, NAME);
  return commitUpdate({ catalog, store, name: NAME, plan, ...pausing, ...more });
}

function append(name: string, properties: Record<string, string> = {}) {
  return { operation: "append" as const, added: [file(name)], properties };
}

function uri(table: { location: string }, name: string): string {
  return `${table.location}/data/${name}.parquet`;
}

function file(name: string): DataFile {
  return {
    path: uri({ location }, name),
    record_count: 10,
    size_bytes: 1000,
    partition: { at_day: 20_000 },
    column_stats: [{ id: 1, lower: 1, upper: 9, null_count: 0, value_count: 10 }],
  };
}

/** Numbers of the metadata files that are there, ascending. */
async function versions({ store, prefix }: OpenedCatalog): Promise<number[]> {
  const keys = await Array.fromAsync(store.list(versionPrefix(prefix, NAME)), ({ key }) => versionOf(key));
  return keys.filter((version) => version !== null).sort((a, b) => a - b);
}

async function paths({ catalog, store }: OpenedCatalog): Promise<string[]> {
  const files = await readFiles(store, (await catalog.load(NAME))!.metadata);
  return files.map((one) => one.path.split("/").at(-1)!.replace(".parquet", ""));
}

function assertLinear(table: LoadedTable["metadata"]): void {
  table.snapshots.forEach((snapshot, i) => {
    assert.equal(snapshot["parent-snapshot-id"], table.snapshots[i - 1]?.["snapshot-id"]);
    assert.equal(snapshot["sequence-number"], i + 1);
  });
  assert.equal(table.snapshots.at(-1)?.["snapshot-id"], table["current-snapshot-id"]);
}
