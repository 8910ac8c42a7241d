import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { LabelFile } from "../../lib/generator/label_file.ts";

const label = (event_id: string) => ({ event_id, pattern: "late", rule: null, burst_id: null });

async function idsIn(path: string): Promise<string[]> {
  return (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line).event_id);
}

Deno.test("LabelFile goes on behind what is there, or begins anew", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/labels.ndjson`;
  for (const [append, id] of [[true, "a"], [true, "b"], [false, "c"], [true, "d"]] as const) {
    await using file = await LabelFile.open(path, { append });
    await file.write([label(id)]);
    await file.write([]);
    strictEqual(file.count, 1);
  }
  deepStrictEqual(await idsIn(path), ["c", "d"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("LabelFile puts a large file aside, and never holds more than two", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/labels.ndjson`;
  {
    await using file = await LabelFile.open(path, { append: true, large_bytes: 150 });
    for (const id of ["a", "b", "c", "d", "e"]) await file.write([label(id)]);
  }
  deepStrictEqual(await idsIn(`${path}.1`), ["c", "d"]);
  deepStrictEqual(await idsIn(path), ["e"]);
  await Deno.remove(folder, { recursive: true });
});
