/** The clock's functions as macros, because the engine's own need an extension (ICU) that it does not have here. Pure. */

/** Statements that make the clock's functions say `now` (UTC, as every time in the lake), until they are made anew. */
export function clockMacros(now: Date): string[] {
  const time = now.toISOString().slice(0, 23).replace("T", " ");
  const macro = (name: string, value: string) => `CREATE OR REPLACE MACRO memory.main.${name}() AS ${value}`;
  const times = [
    "now",
    "get_current_timestamp",
    "current_timestamp",
    "transaction_timestamp",
    "current_localtimestamp",
  ];
  return [
    ...times.map((name) => macro(name, `TIMESTAMP '${time}'`)),
    ...["current_date", "today"].map((name) => macro(name, `DATE '${time.slice(0, 10)}'`)),
  ];
}

/** Whether a text may ask what time it is. */
export function asksForTime(sql: string): boolean {
  return /now\b|current_|today|transaction_timestamp|localtimestamp/i.test(sql);
}
