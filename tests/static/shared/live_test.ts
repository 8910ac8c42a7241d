import assert from "node:assert/strict";
import { runningSums } from "../../../static/shared/chart_data.ts";
import { bytes, count, duration, utc } from "../../../static/shared/format.ts";
import { between, holds, inside, moved } from "../../../static/shared/grid_move.ts";
import { LiveStream, merged } from "../../../static/shared/live.ts";
import { hashOf, pageOf } from "../../../static/shared/place.ts";
import { merged as mergedOnServer } from "../../../lib/live/payload.ts";

Deno.test("`merged` merges numbers by name, appends lists and replaces the rest", () => {
  const point = (t: number) => ({ t, kinds: { transaction: t }, sources: {} });
  const known = { metrics: { accepted: 1, alerts: 2 }, history: [point(1)], dead_letters: { schema: 1 } };
  const delta = { metrics: { accepted: 5 }, history: [point(2)], dead_letters: { too_deep: 3 } };
  assert.deepEqual(merged(known, delta), {
    metrics: { accepted: 5, alerts: 2 },
    history: [point(1), point(2)],
    alerts: undefined,
    dead_letters: { too_deep: 3 },
  });
});

Deno.test("`merged` reads deltas as the server means them", () => {
  const snapshot = {
    at: "a",
    metrics: { accepted: 1 },
    problems: ["x"],
    history: [{ t: 1, kinds: {}, sources: {} }],
  };
  const delta = { at: "b", metrics: { alerts: 2 }, problems: [], alerts: [] };
  const here = JSON.stringify(merged(snapshot, delta));
  assert.deepEqual(JSON.parse(here), JSON.parse(JSON.stringify(mergedOnServer(snapshot, delta))));
});

Deno.test("`pageOf` reads what `hashOf` made", () => {
  const place = pageOf(hashOf("tables", "processed.a/b?c", { q: "1 & 2" }));
  assert.deepEqual([place.page, place.rest, place.query.get("q")], ["tables", "processed.a/b?c", "1 & 2"]);
  assert.equal(pageOf("").page, "sql");
  assert.equal(pageOf("#/tables/%E0%A4%A").rest, "%E0%A4%A");
});

Deno.test("numbers read as people write them", () => {
  assert.equal(count("9223372036854775807"), "9,223,372,036,854,775,807");
  assert.equal(count(null), "–");
  assert.equal(bytes(999_600), "1.0 MB");
  assert.equal(bytes(12), "12 B");
  assert.equal(duration(3_725), "1 h 2 min");
  assert.equal(duration(59.6), "1 min");
  assert.equal(utc("2026-01-31T09:30:00.5Z"), "2026-01-31 09:30:00");
  assert.equal(utc("yesterday"), "yesterday");
});

Deno.test("`moved` stays in the grid", () => {
  const shape = { rows: 100, columns: 3, page: 10 };
  const at = (key: string, isFar = false) => inside(moved({ row: 5, column: 1 }, key, isFar, shape)!, shape);
  assert.deepEqual(at("PageDown"), { row: 15, column: 1 });
  assert.deepEqual(at("PageUp"), { row: 0, column: 1 });
  assert.deepEqual(at("End", true), { row: 99, column: 2 });
  assert.equal(moved({ row: 0, column: 0 }, "a", false, shape), null);
  assert.equal(moved({ row: 0, column: 0 }, "constructor", false, shape), null);
  const range = between({ row: 4, column: 2 }, { row: 2, column: 0 });
  assert.ok(holds(range, 3, 1) && !holds(range, 5, 1));
});

Deno.test("`runningSums` stands each series on those before it", () => {
  assert.deepEqual(runningSums([{ name: "a", values: [1, null] }, { name: "b", values: [2, 3] }]), [[1, 0], [
    3,
    3,
  ]]);
});

/** A connection that is told what comes, and remembers whether it was closed. */
class FakeSource extends EventTarget {
  static CLOSED = 2;
  static opened: FakeSource[] = [];
  readyState = 1;
  constructor(readonly url: string) {
    super();
    FakeSource.opened.push(this);
  }
  close(): void {
    this.readyState = FakeSource.CLOSED;
  }
}

Deno.test("`LiveStream` lets go of its connection while nobody looks, and is back at once", () => {
  const realSource = globalThis.EventSource;
  const [realSet, realClear] = [globalThis.setTimeout, globalThis.clearTimeout];
  const waiting = new Map<number, () => void>();
  let timers = 0;
  Object.assign(globalThis, {
    EventSource: FakeSource,
    setTimeout: (work: () => void) => {
      waiting.set(++timers, work);
      return timers;
    },
    clearTimeout: (timer: number) => waiting.delete(timer),
  });
  const page = Object.assign(new EventTarget(), { hidden: false });
  const sight = (hidden: boolean) => {
    page.hidden = hidden;
    page.dispatchEvent(new Event("visibilitychange"));
  };
  const live = new LiveStream("/api/live", page as unknown as Document);
  try {
    live.start();
    const [first] = FakeSource.opened;
    first.dispatchEvent(new MessageEvent("snapshot", { data: '{"metrics":{"accepted":1}}' }));
    sight(true);
    sight(false);
    assert.equal(waiting.size, 0);
    assert.equal(first.readyState, 1);
    sight(true);
    for (const work of waiting.values()) work();
    assert.deepEqual([first.readyState, live.state], [2, "paused"]);
    sight(false);
    assert.deepEqual([FakeSource.opened.length, live.state], [2, "connecting"]);
    assert.equal(live.payload.metrics.accepted, 1);
  } finally {
    live.stop();
    Object.assign(globalThis, { EventSource: realSource, setTimeout: realSet, clearTimeout: realClear });
  }
});

Deno.test("`LiveStream` connects anew when its connection says nothing any more", () => {
  const { EventSource: realSource, setInterval: realSet, clearInterval: realClear } = globalThis;
  const realNow = Date.now;
  let look = () => {};
  let now = realNow();
  Date.now = () => now;
  Object.assign(globalThis, {
    EventSource: FakeSource,
    setInterval: (work: () => void) => look = work,
    clearInterval: () => {},
  });
  FakeSource.opened = [];
  const live = new LiveStream("/api/live", new EventTarget() as unknown as Document);
  const after = (ms: number) => {
    now += ms;
    look();
    return [live.state, FakeSource.opened.length];
  };
  const speak = () =>
    FakeSource.opened.at(-1)!.dispatchEvent(new MessageEvent("snapshot", { data: '{"metrics":{}}' }));
  try {
    live.start();
    speak();
    assert.deepEqual(after(10_000), ["stale", 1]);
    assert.deepEqual(after(10_001), ["stale", 2]);
    assert.equal(FakeSource.opened[0].readyState, FakeSource.CLOSED);
    assert.deepEqual(after(10_000), ["stale", 2]);
    speak();
    assert.deepEqual(after(1_000), ["live", 2]);
  } finally {
    live.stop();
    Date.now = realNow;
    Object.assign(globalThis, { EventSource: realSource, setInterval: realSet, clearInterval: realClear });
  }
});
