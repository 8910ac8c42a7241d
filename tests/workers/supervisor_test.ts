/** Workers are started again with growing pauses, stopped in order, and a stop says what it waits for. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readSettings } from "../../lib/config.ts";
import type { LogLine } from "../../lib/observe/log_line.ts";
import { Metrics } from "../../lib/observe/metrics.ts";
import { Supervisor } from "../../workers/supervisor.ts";
import { eventually, pause } from "../waiting.ts";

const WORKER = new URL("./test_worker.ts", import.meta.url);
const SHELL = new URL("./shell_worker.ts", import.meta.url);

/** Time that passes by sleeping alone. */
class SleptClock {
  time = 0;
  readonly slept: number[] = [];
  /** Until then time stands still. */
  begins: Promise<void> = Promise.resolve();
  now(): number {
    return this.time;
  }
  async sleep(ms: number): Promise<void> {
    await this.begins;
    this.slept.push(ms);
    this.time += ms;
    await pause(1);
  }
}

const reading = readSettings({ LOG_LEVEL: "error" }, () => "");
ok(reading.ok);
const { settings } = reading;

function supervised() {
  const lines: string[] = [];
  const at = (level: string) => (msg: string, facts = {}) =>
    void lines.push(`${level} ${msg} ${JSON.stringify(facts)}`);
  const line: LogLine = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: () => line,
  };
  const clock = new SleptClock();
  const fatal: string[] = [];
  const noticed = Promise.withResolvers<void>();
  const supervisor = new Supervisor({
    clock,
    line,
    metrics: new Metrics(),
    onNotice: () => noticed.resolve(),
    onFatal: (reason) => void fatal.push(reason),
  });
  const start = (role: string, url = WORKER) =>
    supervisor.start({
      name: role,
      url,
      start: { type: "start", settings, role, index: 0, count: 1, gives_way: false },
    });
  return { supervisor, start, lines, clock, fatal, noticed: noticed.promise };
}

Deno.test("a worker that fails is started again, after pauses that grow", async () => {
  const { supervisor, start, lines, clock } = supervised();
  start("crashes");
  await eventually(() => clock.slept.length >= 8);
  match(supervisor.troubles().join(), /^crashes is (starting|failed) \(.*a bug\)$/);
  await supervisor.stop(1_000);
  deepStrictEqual(clock.slept.slice(0, 8), [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  ok(lines.some((line) => line.startsWith("error crashes failed") && line.includes("a bug")), lines[0]);
});

Deno.test("a worker that no restart mends is not started again, and its reason is told", async () => {
  const { supervisor, start, clock, fatal } = supervised();
  start("fatal");
  await eventually(() => fatal.length > 0 && supervisor.states.get("fatal")?.state === "failed");
  deepStrictEqual(fatal, ["no retry mends this"]);
  deepStrictEqual(clock.slept, []);
  deepStrictEqual(supervisor.troubles(), ["fatal is failed (no retry mends this)"]);
});

Deno.test("a stop in order ends at once when the last worker has stopped", async () => {
  const { supervisor, start, lines } = supervised();
  start("works");
  await eventually(() => supervisor.troubles().length === 0);
  await supervisor.stop(1_000_000_000);
  strictEqual(supervisor.states.get("works")?.state, "stopped");
  deepStrictEqual(lines.filter((line) => line.startsWith("warn")), []);
});

Deno.test("a stop says what it waits for, and ends a worker that does not stop within the deadline", async () => {
  const { supervisor, start, lines, clock, noticed } = supervised();
  start("stubborn");
  await eventually(() => supervisor.troubles().length === 0);
  // A thread takes its time to answer, and none of the deadline.
  clock.begins = noticed;
  await supervisor.stop(9_000);
  ok(clock.time >= 9_000 && clock.time < 10_000, String(clock.time));
  const reason = '{"waits_for":"the last checkpoint of partition 3"}';
  ok(lines.includes(`info waiting for stubborn ${reason}`), lines.join("\n"));
  strictEqual(lines.at(-1), `warn stubborn did not stop in time ${reason}`);
});

Deno.test("work that fails is started again, but for a Fault that no retry mends", async () => {
  for (const role of ["bug", "passing"]) {
    const { supervisor, start, clock } = supervised();
    start(role, SHELL);
    await eventually(() => clock.slept.length >= 2);
    await supervisor.stop(1_000);
  }
  const { supervisor, start, clock, fatal } = supervised();
  start("for good", SHELL);
  await eventually(() => fatal.length > 0 && supervisor.states.get("for good")?.state === "failed");
  deepStrictEqual([fatal, clock.slept], [["Cannot go on: for good"], []]);
});
