import assert from "node:assert/strict";
import { DateUnit, Precision, TimeUnit, Type } from "apache-arrow";
import { isType, PER_SECOND } from "../../../static/engine/arrow.ts";
import { asksForTime, clockMacros } from "../../../static/engine/clock_macros.ts";

Deno.test("the guards carry Arrow's own numbers", () => {
  const names: Record<keyof typeof isType, number> = {
    null: Type.Null,
    int: Type.Int,
    float: Type.Float,
    binary: Type.Binary,
    utf8: Type.Utf8,
    bool: Type.Bool,
    decimal: Type.Decimal,
    date: Type.Date,
    time: Type.Time,
    timestamp: Type.Timestamp,
    interval: Type.Interval,
    list: Type.List,
    struct: Type.Struct,
    fixedSizeList: Type.FixedSizeList,
    map: Type.Map,
    dictionary: Type.Dictionary,
  };
  for (const [name, typeId] of Object.entries(names)) {
    const guard = isType[name as keyof typeof isType];
    assert.ok(guard({ typeId } as Parameters<typeof guard>[0]), name);
  }
  assert.equal(PER_SECOND[TimeUnit.MICROSECOND], 1_000_000n);
  assert.equal(PER_SECOND[TimeUnit.NANOSECOND], 1_000_000_000n);
  assert.equal(Precision.DOUBLE, 2);
  assert.equal(DateUnit.DAY, 0);
});

Deno.test("`clockMacros` say one time of day, in UTC", () => {
  const macros = clockMacros(new Date("2026-01-31T09:30:00.123Z"));
  assert.ok(
    macros.includes("CREATE OR REPLACE MACRO memory.main.now() AS TIMESTAMP '2026-01-31 09:30:00.123'"),
  );
  assert.ok(macros.includes("CREATE OR REPLACE MACRO memory.main.today() AS DATE '2026-01-31'"));
  assert.ok(
    asksForTime("select NOW() - interval 1 day") && asksForTime("current_date") && !asksForTime("select 1"),
  );
});
