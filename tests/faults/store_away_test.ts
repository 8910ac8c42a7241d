/**
 * A bucket or brokers that nobody serves: what only has a door takes events all the same, doctor waits for the store once,
 * and who cannot work says why in a line.
 */
import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { runCommand } from "../commands/run_command.ts";
import { startProgram } from "../program.ts";
import { transactionLine } from "../transaction_line.ts";
import { eventually } from "../waiting.ts";

/** Only the lake knows whether there is such a column. */
const RULES = "rules: [{ name: r, kind: threshold, severity: low, limit: 1, where: { tier: gold } }]\n";

const NOBODY = "127.0.0.1:1";
const BUCKET = {
  S3_ENDPOINT: `http://${NOBODY}`,
  S3_BUCKET: "away",
  S3_ACCESS_KEY_ID: "key",
  S3_SECRET_ACCESS_KEY: "secret",
};

Deno.test("an edge starts and spills while neither brokers nor bucket are there", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/rules.yaml`, RULES);
  const env = { ...BUCKET, KAFKA_BROKERS: NOBODY, DATA_DIR: folder, CONFIG_DIR: folder };
  const edge = await startProgram({ role: "edge", env });
  match(edge.lines.join("\n"), /waiting for the store.*ECONNREFUSED 127\.0\.0\.1:1/);
  const answer = await fetch(`${edge.url}/ingest/transaction`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: transactionLine("order-1"),
  });
  await answer.body?.cancel();
  strictEqual(answer.status, 202);
  const ready = await fetch(`${edge.url}/readyz`);
  strictEqual((await ready.json()).status, "degraded");
  strictEqual(ready.status, 200);
  strictEqual(await edge.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a role whose bucket is away says what it waits for, and ends in order", async () => {
  for (const role of ["maintain", "query"]) {
    const folder = await Deno.makeTempDir();
    const program = await startProgram({
      role,
      env: { ...BUCKET, KAFKA_BROKERS: NOBODY, DATA_DIR: folder },
    });
    match(program.lines.join("\n"), /waiting for the store.*ECONNREFUSED 127\.0\.0\.1:1/);
    const ready = await fetch(`${program.url}/readyz`);
    const { dependencies } = await ready.json();
    strictEqual(ready.status, 503);
    match(JSON.stringify(dependencies), /"name":"store","condition":"down","required":true/);
    doesNotMatch(program.lines.join("\n"), /the worker cannot go on/);
    strictEqual(await program.stop(), 0);
    doesNotMatch(program.lines.join("\n"), /did not stop in time/);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a role whose brokers are away says so without our stack, and ends in order", async () => {
  const folder = await Deno.makeTempDir();
  const role = await startProgram({ role: "process", env: { KAFKA_BROKERS: NOBODY, DATA_DIR: folder } });
  const line = () => role.lines.find((one) => one.includes("the worker cannot go on"));
  const said = await eventually(() => line() ?? "", (one) => one !== "", { what: "the reason" });
  strictEqual(JSON.parse(said).level, "warn");
  match(said, /Cannot prepare the topics: .*ECONNREFUSED 127\.0\.0\.1:1/);
  doesNotMatch(role.lines.join("\n"), /shell\.ts|kafka_link\.ts/);
  strictEqual(await role.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("doctor says once that the store does not answer, and blames nothing else for it", async () => {
  const { code, stdout } = await runCommand(["doctor"], BUCKET);
  strictEqual(code, 1, stdout);
  match(stdout, /^WRONG lake: Cannot find the bucket away: no connection .*\n {6}check S3_ENDPOINT/m);
  match(stdout, /^warn {2}clock: not looked at, for the store does not answer$/m);
  match(stdout, /^doctor: 1 to mend$/m);
  doesNotMatch(stdout, /NTP|relocate|DATA_DIR/);
});
