import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { runCommand } from "./run_command.ts";

const SPAN = ["--from", "2026-01-05T00:00:00Z", "--to", "2026-01-06T00:00:00Z"];

interface TailLine {
  partition: number;
  offset: number;
  received_at: string;
  headers: Record<string, string>;
  value: { event_id?: string; timestamp?: string | number };
}

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
const tailed = (text: string) => lines(text).map((line): TailLine => JSON.parse(line));

Deno.test("produce --count fills the embedded log and writes labels; tail shows the records", async () => {
  const folder = await Deno.makeTempDir();
  const env = { DATA_DIR: folder, PARTITIONS: "2" };
  try {
    const labels_path = `${folder}/labels.ndjson`;
    const produced = await runCommand(["produce", "--count", "1500", ...SPAN, "--labels", labels_path], env);
    strictEqual(produced.code, 0, produced.stderr);
    match(produced.stdout, /^produced 1500 of 1500 events, \d+ labels\n$/);

    const shown = await runCommand(["tail", "--from", "0", "--limit", "1504", "--json"], env);
    strictEqual(shown.code, 0, shown.stderr);
    const records = tailed(shown.stdout);
    const control = records.filter(({ headers }) => headers.source === "millrace");
    deepStrictEqual(control.map(({ headers }) => headers.kind).sort(), [
      "rules",
      "rules",
      "settings",
      "settings",
    ]);
    const demo = records.filter(({ headers }) => headers.source === "demo");
    strictEqual(demo.length, 1500);

    const ids = new Set(demo.map(({ value }) => value?.event_id));
    const labels = lines(await Deno.readTextFile(labels_path)).map((line) => JSON.parse(line));
    ok(labels.length > 0 && labels.some(({ rule }) => rule !== null));
    for (const { event_id } of labels) ok(event_id === null || ids.has(event_id), event_id);

    const since = await runCommand(["tail", "--from", records[0].received_at, "--limit", "1", "--json"], env);
    strictEqual(tailed(since.stdout).length, 1);
    const text = await runCommand(["tail", "events", "--from", "2", "--limit", "3"], env);
    strictEqual(lines(text.stdout).length, 3);
    match(text.stdout, /\d\/2 +demo /);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const WRONG: [args: string[], reason: RegExp][] = [
  [["produce"], /KAFKA_BROKERS/],
  [["produce", "--seed", "3"], /belong to --count/],
  [["produce", "--count", "0"], /--count/],
  [["produce", "--count", "5", "--from", "yesterday"], /is no time/],
  [
    ["produce", "--count", "5", "--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"],
    /before --to/,
  ],
  [["tail", "nowhere"], /events, alerts, aggregates, dead_letters/],
  [["hook", "nobody"], /stripe/],
  [["hook", "stripe"], /STRIPE_WEBHOOK_SECRET/],
  [["reset"], /--yes/],
  [["rules"], /rules check/],
];

for (const [args, reason] of WRONG) {
  Deno.test(`main.ts ${args.join(" ")} ends with 2 and says why`, async () => {
    const folder = await Deno.makeTempDir();
    const { code, stderr } = await runCommand(args, { DATA_DIR: folder });
    await Deno.remove(folder, { recursive: true });
    strictEqual(code, 2, stderr);
    match(stderr, reason);
  });
}
