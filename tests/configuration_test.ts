/** Which columns the files of `CONFIG_DIR` may name, and when somebody has to be asked for those that were added to tables. */
import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { addedInLake, asFarAsKnown } from "../commands/added_columns.ts";
import { kindsFor, loadConfiguration, rulesControl } from "../lib/configuration.ts";
import { Fault } from "../lib/errors.ts";
import type { AddedTo } from "../lib/event/column_change.ts";
import { addedIn } from "../lib/lake/evolution.ts";
import { settingsOf } from "./routes/test_app.ts";

const RULES =
  "rules:\n  - name: golden\n    kind: threshold\n    severity: low\n    limit: 5\n    where: { tier: gold }\n";
const WINDOWS = `windows:
  - name: tiers
    over: transaction
    kind: tumbling
    size: 60 s
    key: [user_id, tier]
    aggregates: { n: { count: rows } }
`;

/** A folder of configuration, and a lake whose transactions have a tier, or who is asked for it in vain. */
async function folder(files: Record<string, string>) {
  const CONFIG_DIR = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${CONFIG_DIR}/${name}`, text);
  const asked: string[] = [];
  const added: AddedTo = (kinds) => {
    asked.push(...kinds.map(({ name }) => name));
    const tier = [{ name: "tier", type: "string" }] as const;
    return Promise.resolve(kinds.map(({ name }) => name === "transaction" ? tier : []));
  };
  return {
    settings: settingsOf({ CONFIG_DIR, DATA_DIR: `${CONFIG_DIR}/none` }),
    asked,
    added,
    write: (name: string, text: string) => Deno.writeTextFile(`${CONFIG_DIR}/${name}`, text),
    [Symbol.asyncDispose]: () => Deno.remove(CONFIG_DIR, { recursive: true }),
  };
}

const AWAY = new Fault("store_away", "Cannot reach the store: it is away", {
  blame: "dependency",
  retry: "after_backoff",
});

Deno.test("loadConfiguration takes rules and windows that name an added column, with its type", async () => {
  await using files = await folder({ "rules.yaml": RULES, "windows.yaml": WINDOWS });
  const { kinds, windows, rules } = await loadConfiguration(files.settings, { added: files.added });
  deepStrictEqual(kinds.get("transaction")!.added, [{ name: "tier", type: "string" }]);
  deepStrictEqual(windows.map(({ key }) => key), [["user_id", "tier"]]);
  strictEqual((rules.body.rules as unknown[]).length, 1);
});

Deno.test("nobody is asked for added columns where the files name none", async () => {
  await using files = await folder({ "rules.yaml": RULES.replace("tier", "country") });
  await loadConfiguration(files.settings, { added: () => Promise.reject(AWAY) });
});

Deno.test("what no table has is refused with its line, whoever is asked", async () => {
  await using files = await folder({ "rules.yaml": RULES.replace("tier", "teir"), "windows.yaml": WINDOWS });
  const where = /rules\.yaml: line 6: rules\.0\.where\.teir is no column of the kind$/;
  await rejects(loadConfiguration(files.settings, { added: files.added }), { message: where });
  // Nobody knows of the tier, or where there is no lake it was not added.
  const both = /line 6: .*teir is no column.*windows\.yaml: line 6: .*tier is no column/;
  await rejects(loadConfiguration(files.settings), { message: both });
  await rejects(loadConfiguration(files.settings, { added: addedInLake(files.settings) }), { message: both });
  await rejects(loadConfiguration(files.settings, { added: asFarAsKnown(addedInLake(files.settings)) }), {
    message: both,
  });
});

Deno.test("a store that cannot be reached is no reason to refuse a start, and what is wrong all the same is told", async () => {
  await using files = await folder({ "rules.yaml": RULES, "windows.yaml": WINDOWS });
  const away: AddedTo = () => Promise.reject(AWAY);
  await rejects(loadConfiguration(files.settings, { added: away }), AWAY);
  const { windows, kinds } = await loadConfiguration(files.settings, { added: asFarAsKnown(away) });
  deepStrictEqual([windows.length, kinds.get("transaction")!.added], [1, "any"]);
  await files.write("rules.yaml", RULES.replace("limit: 5", "limit: five"));
  await rejects(loadConfiguration(files.settings, { added: asFarAsKnown(away) }), {
    message: /line 5: .*limit/,
  });
});

Deno.test("loadConfiguration asks again for files that were edited, and gives what it gave before for others", async () => {
  await using files = await folder({ "rules.yaml": RULES });
  const { settings, added, asked } = files;
  const first = await loadConfiguration(settings, { added });
  const times = asked.length;
  strictEqual(await loadConfiguration(settings, { added, last: first }), first);
  strictEqual(asked.length, times);
  await files.write("rules.yaml", RULES.replace("gold", "tin"));
  const next = await loadConfiguration(settings, { added, last: first });
  strictEqual(next === first, false);
  strictEqual(asked.length, 2 * times);
});

Deno.test("`kindsFor` forgets what was added when the kinds were read before", async () => {
  await using files = await folder({ "rules.yaml": RULES });
  const { kinds } = await loadConfiguration(files.settings, { added: files.added });
  const dropped = addedIn({ load: () => Promise.resolve(null) });
  const now = await kindsFor(kinds, dropped, (kinds) => void rulesControl(RULES, kinds));
  try {
    rulesControl(RULES, now);
    throw new Error("was not refused");
  } catch (error) {
    match(String(error), /tier is no column/);
  }
});
