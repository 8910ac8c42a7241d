/** Scratch folders: gone after use, and what a dead process left behind goes too, but nothing that is in use. */
import { deepStrictEqual, rejects } from "node:assert/strict";
import { openScratch } from "../../lib/store/scratch.ts";
import { eventually } from "../waiting.ts";

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

async function withRoot(work: (root: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await work(`${folder}/root`);
  await Deno.remove(folder, { recursive: true });
}

Deno.test("a scratch folder is empty and ours, and gone with all that is in it after use", () =>
  withRoot(async (root) => {
    {
      await using scratch = await openScratch(root);
      deepStrictEqual(await namesIn(scratch.path), []);
      await Deno.mkdir(`${scratch.path}/a`);
      await Deno.writeTextFile(`${scratch.path}/a/b`, "x");
    }
    deepStrictEqual(await namesIn(root), []);
    await rejects(async () => {
      await using scratch = await openScratch(root);
      await Deno.writeTextFile(`${scratch.path}/c`, "x");
      throw new Error("meant");
    }, /meant/);
    deepStrictEqual(await namesIn(root), []);
    // Somebody else took it away.
    await using scratch = await openScratch(root);
    await Deno.remove(scratch.path);
  }));

Deno.test("what a process that was killed left in its scratch folder goes with the next, and nothing else", () =>
  withRoot(async (root) => {
    const module = new URL("../../lib/store/scratch.ts", import.meta.url);
    const code = `const { openScratch } = await import(${JSON.stringify(module.href)});
      const { path } = await openScratch(${JSON.stringify(root)});
      await Deno.writeTextFile(path + "/left", "x");
      Deno.kill(Deno.pid, "SIGKILL");`;
    await using held = await openScratch(root);
    await Deno.writeTextFile(`${root}/foreign.lock`, "");
    await new Deno.Command(Deno.execPath(), { args: ["eval", "--no-check", code] }).output();
    const own = held.path.slice(root.length + 1);
    deepStrictEqual((await namesIn(root)).length, 5);
    {
      await using _ = await openScratch(root);
    }
    deepStrictEqual(await namesIn(root), ["foreign.lock", own, `${own}.lock`].sort());
  }));

Deno.test("any number of scratch folders are opened and closed side by side", () =>
  withRoot(async (root) => {
    await Promise.all(Array.from({ length: 40 }, async (_, i) => {
      await using scratch = await openScratch(root);
      await Deno.writeTextFile(`${scratch.path}/own`, String(i));
      deepStrictEqual(await namesIn(scratch.path), ["own"]);
    }));
    deepStrictEqual(await namesIn(root), []);
  }));

Deno.test("a folder in which somebody still writes keeps nobody from opening another, and goes later", () =>
  withRoot(async (root) => {
    for (let time = 0; time < 20; time++) {
      const dead = `${root}/scratch-${crypto.randomUUID()}`;
      await Deno.mkdir(dead, { recursive: true });
      await Deno.writeTextFile(`${dead}.lock`, "");
      const code = `i=0; while [ $i -lt 3000 ] && : > ${dead}/$i; do i=$((i+1)); done`;
      const writer = new Deno.Command("bash", { args: ["-c", code], stderr: "null" }).spawn();
      await eventually(async () => (await namesIn(dead)).length > 0, Boolean, { every_ms: 1 });
      await (await openScratch(root))[Symbol.asyncDispose]();
      await writer.status;
    }
    await (await openScratch(root))[Symbol.asyncDispose]();
    deepStrictEqual(await namesIn(root), []);
  }));
