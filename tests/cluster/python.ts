/** Python with the readers that others use, in an environment of its own outside the tree, made when it is absent. */
import { hash } from "node:crypto";
import { isThere } from "../../lib/store/local_file.ts";
import { cacheFolder, fetchBy } from "../fetched.ts";

const REQUIREMENTS = [
  "pyiceberg[pyarrow]==0.12.0",
  "duckdb==1.5.5",
  "duckdb-extension-httpfs==1.5.5",
  "duckdb-extension-iceberg==1.5.5",
  "duckdb-extension-avro==1.5.5",
];

/** Runs a script, with `args` as JSON in `sys.argv[1]`, and gives the JSON that it printed last. */
export async function runPython(script: string, args: unknown): Promise<unknown> {
  const python = await pythonPath();
  const { success, stdout, stderr } = await run(python, ["-c", script, JSON.stringify(args)]);
  if (!success) throw new Error(`Python failed:\n${stderr.slice(-4000)}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

async function pythonPath(): Promise<string> {
  const folder = `${cacheFolder()}/python`;
  const python = `${folder}/bin/python`;
  const ready = `${folder}/ready-${hash("sha256", REQUIREMENTS.join("\n")).slice(0, 16)}`;
  if (await isThere(ready)) return python;
  await Deno.mkdir(folder, { recursive: true });
  await fetchBy("python3", ["-m", "venv", folder]);
  await fetchBy(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...REQUIREMENTS]);
  await Deno.writeTextFile(ready, "");
  return python;
}

async function run(command: string, args: string[]) {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    stdout: "piped",
    stderr: "piped",
  })
    .output();
  const text = new TextDecoder();
  return { success, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}
