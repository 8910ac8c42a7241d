/**
 * A planted bug in each step of the protocol turns a quick test red: each is planted in a copy of the tree, one at a time,
 * and the test that it names must fail there. A bug that survives is a sentence that nothing holds.
 */
import { ok, strictEqual } from "node:assert/strict";
import { signalChild } from "../child.ts";
import { PLANTED_BUGS, type PlantedBug } from "../faults/planted_bugs.ts";
import { quickFolder } from "../quick_folder.ts";

const LEFT_OUT = new Set([".git", "coverage", "data", "node_modules"]);
/** A bug may make a test wait for ever. */
const PATIENCE_MS = 180_000;

async function copyTree(to: string): Promise<void> {
  for await (const { name } of Deno.readDir(".")) {
    if (LEFT_OUT.has(name)) continue;
    const { success } = await new Deno.Command("cp", { args: ["-r", name, to] }).output();
    ok(success, `${name} cannot be copied`);
  }
}

/** How a test file ends in the copy: with every test passed, or how many failed. */
async function run(tree: string, test: string): Promise<{ failed: number; text: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", test],
    cwd: tree,
    // The soak asks its own tests for everything; these are the quick ones, as whoever changes the code runs them.
    env: { NO_COLOR: "1", FAULTS: "" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => signalChild(child, "SIGKILL"), PATIENCE_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const [, passed, failed] = /(\d+) passed(?: \([^)]*\))? \| (\d+) failed/.exec(text) ?? [];
  // A test that hangs, or a bug that throws everything over, is red too; a tree that cannot be read is not.
  if (failed === undefined) return { failed: /SyntaxError|module's source code/.test(text) ? 0 : 1, text };
  return { failed: code === 0 && Number(passed) > 0 ? 0 : Math.max(1, Number(failed)), text };
}

async function plant(tree: string, { file, from, to }: PlantedBug): Promise<() => Promise<void>> {
  const path = `${tree}/${file}`;
  const text = await Deno.readTextFile(path);
  ok(text.includes(from), `${file} no longer holds ${JSON.stringify(from)}`);
  await Deno.writeTextFile(path, text.replace(from, () => to));
  return () => Deno.writeTextFile(path, text);
}

const tree = await quickFolder();
await copyTree(tree);
globalThis.addEventListener("unload", () => Deno.removeSync(tree, { recursive: true }));

for (const [test, bugs] of Map.groupBy(PLANTED_BUGS, (bug) => bug.test)) {
  Deno.test(`without a bug ${test} is green`, async () => {
    const { failed, text } = await run(tree, test);
    strictEqual(failed, 0, text.slice(-4_000));
  });
  for (const bug of bugs) {
    Deno.test(`step ${bug.step}: ${bug.bug}`, async () => {
      const mend = await plant(tree, bug);
      try {
        const { failed, text } = await run(tree, test);
        ok(failed > 0, `${test} does not see it:\n${text.slice(-2_000)}`);
      } finally {
        await mend();
      }
    });
  }
}
