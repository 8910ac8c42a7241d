/** Expiry thins to what time travel promises, only where it pays, and carries everything else forward. */
import assert from "node:assert/strict";
import { expireTable } from "../../lib/lake/expiry.ts";
import { NAME, openSmallTable, type SmallTable } from "../iceberg/small_table.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Commits `count` snapshots, one each `every_ms`, the last one at the clock's time. */
async function commitMany(table: SmallTable, count: number, every_ms: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    table.clock.time += every_ms;
    await table.commit(() => ({
      operation: "append",
      added: [],
      properties: { "millrace.applied": `${i}` },
    }));
  }
}

async function openAt(time: number): Promise<SmallTable> {
  const table = await openSmallTable();
  table.clock.time = time;
  return table;
}

Deno.test("`expireTable` keeps a minute's last snapshot once ten minutes are over, and the properties", async () => {
  const table = await openAt(100 * DAY);
  await commitMany(table, 30, 10_000);
  table.clock.time += 20 * MINUTE;
  const expired = await expireTable(table, NAME, { full: true });
  assert.deepEqual(expired, { table: "processed.things", before: 30, after: 6 });
  const { metadata } = await table.load();
  assert.equal(metadata.properties["millrace.applied"], "29");
  const minutes = metadata.snapshots.map((one) => Math.floor(one["timestamp-ms"] / MINUTE));
  assert.equal(new Set(minutes).size, minutes.length);
  assert.equal(metadata.snapshots.at(-1)?.["snapshot-id"], metadata["current-snapshot-id"]);
});

Deno.test("the schedule commits nothing for a few snapshots, and a dry run never", async () => {
  const table = await openAt(100 * DAY);
  await commitMany(table, 10, 5_000);
  table.clock.time += 20 * MINUTE;
  const { version } = await table.load();
  assert.deepEqual(await expireTable(table, NAME), { table: "processed.things", before: 10, after: 10 });
  const dry = await expireTable(table, NAME, { full: true, dry_run: true });
  assert.ok(dry && dry.after < dry.before);
  assert.equal((await table.load()).version, version);
  await expireTable(table, NAME, { full: true });
  assert.equal((await table.load()).version, version + 1);
  await expireTable(table, NAME, { full: true });
  assert.equal((await table.load()).version, version + 1, "thinning twice commits once");
});

Deno.test("what is a day beyond the last promise goes even where it does not pay", async () => {
  const table = await openAt(100 * DAY);
  await commitMany(table, 2, MINUTE);
  table.clock.time += 7 * DAY + 2 * 60 * MINUTE;
  await expireTable(table, NAME);
  assert.equal((await table.load()).metadata.snapshots.length, 2);
  table.clock.time += DAY;
  await expireTable(table, NAME);
  assert.equal((await table.load()).metadata.snapshots.length, 1);
});

Deno.test("a commit that comes in between is thinned on its own metadata", async () => {
  const table = await openAt(100 * DAY);
  await commitMany(table, 30, 10_000);
  table.clock.time += 20 * MINUTE;
  const racing = {
    ...table,
    catalog: {
      ...bound(table.catalog),
      load: raceOnce(table, () => commitMany(table, 1, 0)),
    },
  };
  await expireTable(racing, NAME, { full: true });
  const { metadata } = await table.load();
  assert.equal(metadata["last-sequence-number"], 31);
  assert.equal(metadata.snapshots.at(-1)?.["sequence-number"], 31);
});

function bound(catalog: SmallTable["catalog"]): SmallTable["catalog"] {
  return {
    list: () => catalog.list(),
    load: (name) => catalog.load(name),
    create: (name, metadata) => catalog.create(name, metadata),
    commit: (base, next, id) => catalog.commit(base, next, id),
  };
}

/** Lets somebody else commit directly after the second load, which is the one that is committed on. */
function raceOnce(table: SmallTable, race: () => Promise<void>) {
  let loads = 0;
  return async (name: typeof NAME) => {
    const loaded = await table.catalog.load(name);
    if (++loads === 2) await race();
    return loaded;
  };
}
