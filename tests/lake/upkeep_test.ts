/** The upkeep of a whole lake: an idle hour leaves no trace, new tables are met, what nobody configures is kept. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { Fault } from "../../lib/errors.ts";
import { ensureTables } from "../../lib/lake/ensure_tables.ts";
import { currentSnapshot } from "../../lib/iceberg/snapshot.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import type { TableSpec } from "../../lib/lake/tables.ts";
import { Upkeep, type UpkeepParts } from "../../lib/lake/upkeep.ts";
import { Bell } from "../../lib/observe/bell.ts";
import type { LogLine } from "../../lib/observe/log_line.ts";
import { Metrics } from "../../lib/observe/metrics.ts";
import { eventually, inTime } from "../waiting.ts";
import { PREFIX, SmallLake, usedLake, withWriter } from "./small_lake.ts";

const MINUTE_MS = 60_000;

function listening(lines: string[]): LogLine {
  const at = (level: string) => (msg: string, facts = {}) => {
    if (level !== "debug") lines.push(`${level} ${msg} ${JSON.stringify(facts)}`);
  };
  const line: LogLine = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: () => line,
  };
  return line;
}

function upkeepOf(lake: SmallLake, options: Partial<UpkeepParts> & { specs?: readonly TableSpec[] } = {}) {
  const lines: string[] = [];
  const metrics = new Metrics();
  const catalog = lake.catalog();
  const { store, log, writer, clock } = lake;
  const upkeep = new Upkeep({
    store,
    log,
    writer,
    clock,
    catalog,
    metrics,
    chains: lake.chains(),
    lander: lake.lander(),
    prefix: PREFIX,
    configured: () => Promise.resolve(options.specs ?? lake.specs),
    ensure: (specs) => ensureTables({ catalog, store, specs, prefix: PREFIX, now: () => clock.now() }),
    every_ms: { compact: 1, expire: 1, audit: 1 },
    first_after_ms: 15_000,
    log_retention_hours: 0,
    table_retention_days: {},
    line: listening(lines),
    bell: new Bell(),
    published: () => undefined,
    ...options,
  });
  return { upkeep, lines, metrics };
}

const { signal } = new AbortController();

Deno.test("an idle hour: no commit, no growth, no word", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const { upkeep, lines, metrics } = upkeepOf(lake);
    for (let i = 0; i < 3; i++) {
      await upkeep.publish(signal);
      await upkeep.compact(signal);
      await upkeep.expire(signal);
      lake.clock.time += 60 * MINUTE_MS;
    }
    ok(lines.some((line) => line.startsWith("info collected")));
    const before = await lake.keys();
    lines.length = 0;
    for (let minute = 0; minute < 60; minute++) {
      lake.clock.time += MINUTE_MS;
      await upkeep.publish(signal);
      await upkeep.compact(signal);
      if (minute % 10 === 9) await upkeep.expire(signal);
      if (minute % 5 === 4) await upkeep.audit();
    }
    deepStrictEqual(await lake.keys(), before);
    deepStrictEqual(lines, []);
    const problems = metrics.samples().find(({ name }) => name === "audit_problems");
    strictEqual(problems?.value, 0);
    const rows = metrics.samples().find(({ name, labels }) =>
      name === "table_rows" && labels.table === "raw.events"
    );
    strictEqual(rows?.value, lake.records);
    await lake.checkWhole();
  }));

Deno.test("a problem becomes a line of error and a number", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    await lake.publish();
    await lake.store.delete(await lake.keys("lake/raw/events/data/"));
    const { upkeep, lines, metrics } = upkeepOf(lake);
    await upkeep.audit();
    ok(lines.every((line) => line.startsWith("error the audit found a problem")), lines.join("\n"));
    ok(lines.length > 0);
    strictEqual(metrics.samples().find(({ name }) => name === "audit_problems")?.value, lines.length);
  }));

Deno.test("tables are published side by side, and one that fails is not tried again before the others have ended", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const lander = lake.lander();
    const begun = new Map(
      ["raw.events", "processed.transactions"].map((key) => [key, Promise.withResolvers<void>()]),
    );
    let ended = 0;
    const meeting = Object.assign(Object.create(lander), {
      async land(...args: Parameters<typeof lander.land>) {
        begun.get(args[0].key)!.resolve();
        await Promise.all([...begun.values()].map(({ promise }) => promise));
        if (args[0].key === "raw.events") {
          throw new Fault("test", "the store is away", { blame: "dependency", retry: "after_backoff" });
        }
        const files = await lander.land(...args);
        ended++;
        return files;
      },
    });
    const { upkeep } = upkeepOf(lake, { lander: meeting });
    await rejects(inTime(upkeep.publish(signal), "both tables"), { code: "test" });
    strictEqual(ended, 1);
    const [[rows]] = await lake.rows("processed.transactions", (one) => `SELECT count(*)::INT FROM ${one}`);
    strictEqual(rows, lake.records);
    await lake.checkWhole();
  }));

Deno.test("rows of a table that nobody configures any more are published all the same", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const { upkeep } = upkeepOf(lake, { specs: lake.specs.filter(({ key }) => key === "raw.events") });
    await upkeep.publish(signal);
    const [[rows]] = await lake.rows("processed.transactions", (one) => `SELECT count(*)::INT FROM ${one}`);
    strictEqual(rows, lake.records);
  }));

Deno.test("a table that comes into the configuration later is made when rows ask for it; a bad file stops nothing", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await lake.append(3);
    await lake.process();
    const transactions = (await lake.keys("lake/processed/transactions/")).concat(
      "lake/.tables/processed.transactions",
    );
    await lake.store.delete(transactions);
    let specs = lake.specs.filter(({ key }) => key === "raw.events");
    const bad = new Fault("bad_file", "Cannot read windows.yaml: bad", { blame: "sender", retry: "never" });
    let isBad = true;
    const configured = () => isBad ? Promise.reject(bad) : Promise.resolve(specs);
    const { upkeep, lines } = upkeepOf(lake, { configured });
    await upkeep.publish(signal);
    ok(lines.some((line) => line.includes("windows.yaml")), lines.join("\n"));
    ok(lines.some((line) => line.includes("rows for processed.transactions wait")), lines.join("\n"));
    const [[rows]] = await lake.rows("raw.events", (one) => `SELECT count(*)::INT FROM ${one}`);
    strictEqual(rows, 3);
    isBad = false;
    specs = [...lake.specs];
    lake.clock.time += MINUTE_MS;
    await upkeep.publish(signal);
    await lake.checkWhole();
  }));

Deno.test("a segment that is gone once is looked for again; gone for good it is an alarm", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const { segment } = (await lake.publisher().decided()).get(0)!.at(-1)!;
    const bytes = (await lake.store.read(segment!.key))!;
    await lake.store.delete([segment!.key]);
    const abort = new AbortController();
    const { upkeep, lines } = upkeepOf(lake, { every_ms: { compact: 1e12, expire: 1e12, audit: 1e12 } });
    const running = upkeep.run(abort.signal, () => undefined);
    const isGone = (line: string) => line.includes(`${segment!.key} is gone`);
    const isAlarm = () => lines.some((line) => line.startsWith("error") && isGone(line));
    await eventually(isAlarm, Boolean, { what: "the alarm" });
    await lake.store.create(segment!.key, bytes);
    abort.abort();
    await running;
    const [first, second] = lines.filter(isGone);
    ok(first.startsWith("warn publishing failed; trying again"), first);
    ok(second.startsWith("error Cannot publish checkpoint"), second);
    await lake.checkWhole();
  }));

Deno.test("what a table is read by and is damaged is one alarm, and the other tables are published", () =>
  withWriter(async (writer) => {
    await using used = await usedLake(writer);
    // Nobody has read its objects yet.
    await using lake = await used.copy();
    const { metadata } = (await lake.catalog().load(parseTableKey("processed.transactions")))!;
    const key = lake.store.keyOf(currentSnapshot(metadata)!["manifest-list"])!;
    const bytes = (await lake.store.read(key))!;
    await Deno.truncate(lake.store.localPath(key)!, bytes.length >> 1);
    const abort = new AbortController();
    const published: string[] = [];
    let looks = 0;
    const { upkeep, lines } = upkeepOf(lake, {
      every_ms: { compact: 1e9, expire: 1e9, audit: 1e9 },
      first_after_ms: 1e9,
      clock: {
        now: () => lake.clock.time,
        // The schedules never come to their turn; a second until the next look is over at once.
        sleep: (ms, signal) => systemClock.sleep(ms > 1_000 ? ms : (looks++, 1), signal),
      },
      published: (key) => void published.push(key),
    });
    const running = upkeep.run(abort.signal, () => undefined);
    await eventually(() => looks > 6, Boolean, { what: "a second look" });
    deepStrictEqual(lines.filter((line) => line.includes("damaged")).map((line) => line.split(" ")[0]), [
      "error",
    ]);
    ok(published.includes("raw.events"), published.join());
    await Deno.writeFile(lake.store.localPath(key)!, bytes);
    await eventually(() => published.includes("processed.transactions"), Boolean, { what: "the table" });
    abort.abort();
    await running;
    await lake.checkWhole();
  }));

Deno.test("`run` does all of it on its schedules until it is stopped", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const abort = new AbortController();
    const clock = {
      now: () => lake.clock.time,
      // Sleeping is what makes time pass here.
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve) => {
          lake.clock.time += Math.min(ms, 5 * MINUTE_MS);
          if (signal?.aborted) resolve();
          else setTimeout(resolve, 1);
        }),
    };
    const every_ms = { compact: MINUTE_MS, expire: 10 * MINUTE_MS, audit: 5 * MINUTE_MS };
    const { upkeep, lines } = upkeepOf(lake, { clock, every_ms });
    let isReady = false;
    const running = upkeep.run(abort.signal, () => isReady = true);
    const isCollected = () => lines.some((line) => /collected.*"deleted":[1-9]/.test(line));
    await eventually(isCollected, Boolean, { what: "a collection" });
    abort.abort();
    await running;
    ok(isReady);
    ok(lines.every((line) => line.startsWith("info")), lines.join("\n"));
    await lake.checkWhole();
  }));

Deno.test("days that are kept of a table that is not there are told, and everything else is looked after", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const { upkeep, lines } = upkeepOf(lake, { table_retention_days: { "processed.nonsense": 30 } });
    for (let i = 0; i < 2; i++) {
      await upkeep.publish(signal);
      await upkeep.compact(signal);
      await upkeep.expire(signal);
      lake.clock.time += 60 * MINUTE_MS;
    }
    ok(lines.some((line) => line.startsWith("error days are kept longer than they should be")));
    ok(lines.some((line) => line.startsWith("info collected")), lines.join("\n"));
  }));
