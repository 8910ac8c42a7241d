/** Rules are a record of the log before they are a file; kinds tell what they are. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { stringify } from "yaml";
import type { ControlFile } from "../../lib/configuration.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { readRuleFile } from "../../lib/stream/rule_definition.ts";
import type { RulesFile } from "../../routes/rules.ts";
import { asked } from "./asked.ts";

Deno.test("kinds tells schema, example and columns", async () => {
  using test = await asked();
  const { items } = (await test.get("/api/kinds")).body;
  ok(items.some((item: { name: string }) => item.name === "sensor_reading"));
  const { body } = await test.get("/api/kinds/transaction");
  equal(body.table, "processed.transactions");
  ok(body.schema.required.includes("currency"));
  ok(body.columns.every((column: { doc: string }) => column.doc.length > 0));
  ok(kindsOf().get("transaction")?.check(body.example).ok);
  equal((await test.get("/api/kinds/nope")).status, 404);
  const any = await test.get("/api/kinds/event");
  deepEqual([any.status, any.body.table, any.body.schema.type], [200, "raw.events", "object"]);
  ok(any.body.columns.every(({ doc }: { doc?: string }) => doc));
  const sent = await test.send("POST", "/ingest/event", any.body.example);
  deepEqual(sent.body, { accepted: 1, duplicates: 0, rejected: [] });
});

function rulesFile(text: string | null) {
  const file = { text, isReadOnly: false };
  const rules: RulesFile = {
    parse(yaml): Promise<ControlFile> {
      const { version, rules } = readRuleFile(yaml, kindsOf());
      return Promise.resolve({ body: { version, rules }, version, file_hash: `hash of ${yaml.length}` });
    },
    read: () => {
      const { text } = file;
      return Promise.resolve({
        text,
        problem: text === null ? "Cannot read rules.yaml: Is a directory" : null,
      });
    },
    write(yaml) {
      if (file.isReadOnly) return Promise.reject(new Error("read-only"));
      file.text = yaml;
      return Promise.resolve();
    },
    trial: (_file, hours) =>
      Promise.resolve({ hours, events: 10, alerts: 2, by_rule: { high: 2 }, truncated: false }),
  };
  return { file, rules };
}

const RULES = stringify({
  rules: [{ name: "high", kind: "threshold", severity: "high", limit: 100 }],
});

Deno.test("rules are put on the log of every partition first, then into the file", async () => {
  const { file, rules } = rulesFile("");
  using test = await asked({ rules });
  const { status, body } = await test.send("PUT", "/api/rules", RULES);
  deepEqual([status, body.written], [200, true]);
  equal(file.text, RULES);
  deepEqual(test.records.map((record) => [record.partition, record.headers.kind]), [
    [0, "rules"],
    [1, "rules"],
    [2, "rules"],
    [3, "rules"],
  ]);
  // No file is named: who reads another one does not put it back in force.
  ok(
    test.records.every(({ headers }) => headers.version === body.version && headers.file_hash === undefined),
  );
  const inForce = (await test.get("/api/rules")).body;
  equal(inForce.version, body.version);
  equal(inForce.yaml, RULES);
  deepEqual(inForce.items[0].name, "high");
  file.isReadOnly = true;
  equal((await test.send("PUT", "/api/rules", RULES)).body.written, false);
});

Deno.test("what was put is shown until the workers have it, or something that came after it", async () => {
  const { file, rules } = rulesFile("rules: []");
  let { version } = await rules.parse("rules: []");
  using test = await asked({ rules, status: () => Promise.resolve({ rules: version }) });
  const shown = async () => {
    const { body } = await test.get("/api/rules");
    return [body.items.length, body.version, body.taken_over];
  };
  deepEqual(await shown(), [0, version, true]);
  const put = (await test.send("PUT", "/api/rules", RULES)).body.version;
  deepEqual(await shown(), [1, put, false]);
  version = put;
  deepEqual(await shown(), [1, put, true]);
  file.text = "rules: []";
  ({ version } = await rules.parse(file.text));
  test.clock.advance(10_000);
  deepEqual(await shown(), [0, version, true]);
});

Deno.test("rules whose file cannot be read are those that are known, and without any a dependency's fault", async () => {
  const { rules } = rulesFile(null);
  using test = await asked({ rules });
  const unknown = await test.get("/api/rules");
  deepEqual([unknown.status, unknown.body.detail], [
    503,
    "Cannot tell the rules: Cannot read rules.yaml: Is a directory",
  ]);
  await test.send("PUT", "/api/rules", RULES);
  rules.read = () => Promise.resolve({ text: null, problem: "Cannot read rules.yaml: Is a directory" });
  const { status, body } = await test.get("/api/rules");
  deepEqual([status, body.items[0].name, body.yaml, body.problem], [
    200,
    "high",
    RULES,
    "Cannot read rules.yaml: Is a directory",
  ]);
});

Deno.test("rules that are refused change nothing and name their line; a trial appends nothing", async () => {
  const { file, rules } = rulesFile(RULES);
  using test = await asked({ rules });
  const refused = await test.send("PUT", "/api/rules", "rules:\n  - name: x\n    kind: nonsense\n");
  equal(refused.status, 400);
  equal(typeof refused.body.line, "number");
  ok(refused.body.errors.length > 0);
  const grown = ["b", "c", "d", "e"].map((name, at) => {
    const before = `*${"abcd"[at]}`;
    return `${name}: &${name} [${Array(9).fill(before).join(", ")}]\n`;
  });
  for (const text of [`a: &a [x]\n${grown.join("")}rules: *e\n`, 'rules:\n  - name: "\\uD800"\n']) {
    const { status, body } = await test.send("PUT", "/api/rules", text);
    deepEqual([status, body.code, typeof body.line], [400, "definitions_refused", "number"], text);
  }
  const trial = await test.send("PUT", "/api/rules?dry_run=24", RULES);
  deepEqual(trial.body, {
    hours: 24,
    events: 10,
    alerts: 2,
    by_rule: { high: 2 },
    truncated: false,
  });
  equal((await test.send("PUT", "/api/rules?dry_run=x", RULES)).status, 400);
  equal(test.records.length, 0);
  equal(file.text, RULES);
  match((await test.get("/api/rules")).body.yaml, /threshold/);
});

Deno.test("rules that say nothing at all are refused, and no rules are taken where that is said", async () => {
  const { rules } = rulesFile(RULES);
  using test = await asked({ rules });
  for (const nothing of ["", "# all gone\n", "null", "{}"]) {
    equal((await test.send("PUT", "/api/rules", nothing)).status, 400, nothing);
  }
  equal((await test.send("PUT", "/api/rules", "rules: []\n")).status, 200);
});
