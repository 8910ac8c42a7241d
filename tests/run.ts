/**
 * Runs the suites with Deno's own test runner, and closes with `N passed, N failed` counted from what really ran.
 *
 *   unit     pure tests, seconds             test     all that needs nothing but Deno, with coverage
 *   cluster  real Kafka broker, S3 server    browser  real Chromium           soak    hours of chaos
 */
interface Suite {
  include: (path: string) => boolean;
  coverage: boolean;
  env?: Record<string, string>;
}

/** Run at length by the soak: every fault at every call, many kills. */
const LONG = [
  "tests/faults/pipeline_test.ts",
  "tests/faults/collector_test.ts",
  "tests/lake/backup_test.ts",
  "tests/partition/restore_test.ts",
  "tests/cluster/foreign/kill_test.ts",
  "tests/cluster/foreign/every_call_test.ts",
];

const SUITES: Record<string, Suite> = {
  unit: { include: (path) => !isSpecial(path) && !isSlow(path), coverage: false },
  test: { include: (path) => !isSpecial(path), coverage: true },
  cluster: { include: (path) => path.startsWith("tests/cluster/"), coverage: false },
  browser: { include: (path) => path.startsWith("tests/browser/"), coverage: false },
  soak: {
    include: (path) => path.startsWith("tests/soak/") || LONG.includes(path),
    coverage: false,
    env: { FAULTS: "all", KILLS: "50" },
  },
};

function isSpecial(path: string): boolean {
  return ["tests/cluster/", "tests/browser/", "tests/soak/", "tests/bench/"].some((folder) =>
    path.startsWith(folder)
  );
}

/** What starts the program, or goes through every fault: minutes, not seconds. */
function isSlow(path: string): boolean {
  return ["tests/faults/", "tests/commands/", "tests/fuzz/"].some((folder) => path.startsWith(folder)) ||
    /_(faults|race|kill)_test\.ts$/.test(path);
}

async function testFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await testFiles(path));
    else if (entry.name.endsWith("_test.ts")) found.push(path);
  }
  return found.sort();
}

const suite = SUITES[Deno.args[0] ?? ""];
if (!suite) {
  console.error(`Usage: tests/run.ts ${Object.keys(SUITES).join(" | ")} [part of a path ...]`);
  Deno.exit(2);
}
const wanted = Deno.args.slice(1);
const isWanted = (path: string) => wanted.length === 0 || wanted.some((part) => path.includes(part));
const files = (await testFiles("tests")).filter((path) => suite.include(path) && isWanted(path));
const coverage = suite.coverage ? ["--coverage=coverage", "--coverage-raw-data-only"] : [];

let passed = 0;
let failed = 0;
if (files.length > 0) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", ...coverage, ...files],
    env: { NO_COLOR: "1", ...suite.env },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let tail = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    await Deno.stdout.write(chunk);
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-100_000);
  }
  const status = await child.status;
  // Deno closes with `ok | 12 passed | 0 failed (3s)`; the steps in brackets belong to the tests before them.
  const closing = [...tail.matchAll(/\| (\d+) passed[^|]*\| (\d+) failed/g)].at(-1);
  passed = Number(closing?.[1] ?? 0);
  failed = Number(closing?.[2] ?? 0);
  if (!status.success && failed === 0) failed = 1;
  if (suite.coverage) {
    await new Deno.Command(Deno.execPath(), {
      args: ["coverage", "coverage", "--include=/(lib|routes|workers)/", "--exclude=tests/"],
      env: { NO_COLOR: "1" },
      stdout: "inherit",
      stderr: "null",
    }).output();
  }
}
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
