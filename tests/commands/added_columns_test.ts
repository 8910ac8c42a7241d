/** A column that is added beside a running program, and the rules and windows that name it from then on. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { askedRows } from "../asked_rows.ts";
import { AT_REST, type Program, settled, startProgram } from "../program.ts";
import { eventually } from "../waiting.ts";
import { runCommand } from "./run_command.ts";

const GOLDEN =
  "  - { name: golden, kind: threshold, severity: low, limit: 1, where: { tier: gold }, cool_down: 1 ms }\n";
const RULES = `rules:\n${GOLDEN}`;
const WINDOWS = `windows:
  - name: tiers
    over: transaction
    kind: tumbling
    size: 1 s
    key: [user_id, tier]
    aggregates: { n: { count: rows }, points: { sum: points } }
`;

const begun = Date.now() - 3_600_000;
let sent = 0;

/** A minute after the one before, so that windows close. */
async function send({ url }: Program, fields: Record<string, unknown>): Promise<void> {
  const event = {
    event_id: `e${sent}`,
    timestamp: begun + 60_000 * sent++,
    user_id: "ann",
    amount: "5",
    currency: "EUR",
    status: "completed",
    ...fields,
  };
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/ingest/transaction`, {
    method: "POST",
    headers,
    body: JSON.stringify(event),
  });
  strictEqual((await answer.json()).accepted, 1);
  await settled(url);
}

async function alerts({ url }: Program): Promise<unknown[]> {
  const { items } = await (await fetch(`${url}/api/alerts`)).json();
  return items.map(({ rule, event_id }: Record<string, unknown>) => [rule, event_id]).sort();
}

async function put(
  { url }: Program,
  text: string,
  query = "",
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${url}/api/rules${query}`, { method: "PUT", body: text });
  return { status: answer.status, body: await answer.json() };
}

Deno.test("rules and windows name a column that was added beside the running program, also after a kill, and nobody drops it", async () => {
  const DATA_DIR = await Deno.makeTempDir();
  const CONFIG_DIR = await Deno.makeTempDir();
  const env = {
    ...AT_REST,
    DATA_DIR,
    CONFIG_DIR,
    CHECKPOINT_MS: "200",
    DEMO_EVENTS_PER_SECOND: "0",
    PARTITIONS: "2",
  };
  const path = `${CONFIG_DIR}/rules.yaml`;
  const command = (...args: string[]) => runCommand(args, env);
  let program = await startProgram({ env });
  const taken = async () => {
    const rules = async () => (await (await fetch(`${program.url}/api/rules`)).json());
    return await eventually(rules, ({ taken_over, items }) => taken_over && items.length > 0, {
      what: "the rules",
    });
  };
  try {
    await send(program, { tier: "gold" });
    await Deno.writeTextFile(path, RULES);
    const problems = async (): Promise<string[]> =>
      (await (await fetch(`${program.url}/api/stats`)).json()).problems;
    await eventually(
      problems,
      (all) => all.some((one) => /line 2: rules\.0\.where\.tier is no column/.test(one)),
    );
    await Deno.writeTextFile(path, "rules: []\n");
    const other = `${CONFIG_DIR}/other.yaml`;
    await Deno.writeTextFile(other, RULES);
    strictEqual((await command("rules", "check", other)).code, 1);
    await Deno.writeTextFile(path, RULES);

    for (const [name, type] of [["tier", "string"], ["points", "decimal(9, 2)"]]) {
      const { code, stdout, stderr } = await command("evolve", "transaction", "add", name, type);
      strictEqual(code, 0, stderr);
      match(stdout, /told to 2 partitions/);
    }
    strictEqual((await command("rules", "check", other)).code, 0);
    await taken();
    deepStrictEqual(await problems(), []);
    await send(program, { tier: "gold" });
    await send(program, { tier: "tin" });
    deepStrictEqual(await alerts(program), [["golden", "e1"]]);

    // What came before the column counts for a trial, which asks what had been.
    const tried = await put(program, RULES, "?dry_run=24");
    deepStrictEqual([tried.status, tried.body.by_rule], [200, { golden: 2 }]);
    const bad = await put(program, RULES.replace("tier", "teir"));
    deepStrictEqual([bad.status, bad.body.line], [400, 2]);
    const text = await put(
      program,
      `${RULES}  - { name: t, kind: threshold, severity: low, limit: 1, field: tier }\n`,
    );
    deepStrictEqual([text.status, text.body.line], [400, 3]);
    match(String(text.body.detail), /field tier is no number/);
    const rich =
      "  - { name: rich, kind: threshold, severity: low, limit: 99.99, field: points, cool_down: 1 ms }\n";
    strictEqual((await put(program, RULES + rich)).status, 200);
    await Deno.writeTextFile(`${CONFIG_DIR}/windows.yaml`, WINDOWS);
    const settings = "SELECT count(*) FROM raw.events WHERE source = 'millrace' AND kind = 'settings'";
    await eventually(() => askedRows(program, settings), ([[count]]) => Number(count) === 4, {
      what: "windows",
    });
    await taken();

    await program.kill();
    program = await startProgram({ env });
    await send(program, { tier: "gold", points: "99.99" });
    await send(program, { tier: "tin", points: 100 });
    await send(program, {});
    deepStrictEqual(await alerts(program), [["golden", "e1"], ["golden", "e3"], ["rich", "e4"]]);
    const sql = "SELECT tier, n, points FROM analytics.tiers WHERE tier IS NOT NULL ORDER BY window_start";
    deepStrictEqual(await askedRows(program, sql), [["gold", 1, 99.99], ["tin", 1, 100]]);

    for (
      const [change, user] of [["drop tier", "golden"], ["rename tier level", "golden"], [
        "drop points",
        "rich",
      ]]
    ) {
      const { code, stderr } = await command("evolve", "transaction", ...change.split(" "));
      strictEqual(code, 2);
      match(stderr, new RegExp(`: it is used by the rule ${user}, the window tiers$`, "m"));
    }
    const { stdout } = await command("audit");
    match(stdout, /audit: ok/);
  } finally {
    await program.stop();
    await Deno.remove(DATA_DIR, { recursive: true });
    await Deno.remove(CONFIG_DIR, { recursive: true });
  }
});
