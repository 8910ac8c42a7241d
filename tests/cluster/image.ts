/** The image of `deploy/Dockerfile` as a folder: what it copies, made ready by its own commands. */
import assert from "node:assert/strict";
import { dirname } from "node:path";

export interface Image {
  folder: string;
  entrypoint: string[];
  /** All that its programs find in their environment before compose adds to it. */
  env: Record<string, string>;
}

const BUILD = "&& deno task build";
const PATH_WITH_DENO = `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`;
const ROOT = new URL("../../", import.meta.url).pathname;

export function sourceText(path: string): Promise<string> {
  return Deno.readTextFile(`${ROOT}/${path}`);
}

export async function copyImage(folder: string): Promise<Image> {
  // A command that goes on behind a backslash is one line.
  const lines = (await sourceText("deploy/Dockerfile")).replaceAll("\\\n", "").split("\n");
  await Deno.mkdir(folder);
  for (const line of lines) {
    const [word, ...rest] = line.split(/\s+/);
    if (word === "COPY" && !rest[0].startsWith("--")) {
      await copy(rest.slice(0, -1), `${folder}/${rest.at(-1)}`);
    }
    if (word === "COPY") await leaveOut(folder);
    // The last stage's commands are about users and folders of the container; the page has tests of its own.
    if (line.startsWith("RUN deno ")) await run(line.slice("RUN ".length).replace(BUILD, ""), folder);
  }
  const entrypoint = lines.find((line) => line.startsWith("ENTRYPOINT "))!.slice("ENTRYPOINT ".length);
  // Dependencies stand elsewhere than Deno would look by itself, as they do in the container.
  const env: Record<string, string> = { PATH: PATH_WITH_DENO };
  for (const [, name, value] of lines.join("\n").matchAll(/^ENV (\w+)=(\S+)$/gm)) {
    env[name] = `${folder}${value}`;
  }
  await Deno.symlink(await ownDenoDir(), env.DENO_DIR);
  return { folder, entrypoint: JSON.parse(entrypoint), env };
}

/** What stands in the image now, to be seen that nobody writes into it. */
export async function filesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isSymlink) continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await filesOf(path));
    else found.push(path);
  }
  return found.sort();
}

/** What the daemon is never given. */
async function leaveOut(folder: string): Promise<void> {
  const ignored = (await sourceText(".dockerignore")).split("\n").filter((line) => line !== "");
  await must("rm", ["-rf", ...ignored.map((path) => `${folder}/${path}`)]);
}

async function copy(sources: readonly string[], target: string): Promise<void> {
  for (const source of sources) await must("cp", ["-r", `${ROOT}/${source}`, target]);
}

async function run(command: string, cwd: string): Promise<void> {
  await must("sh", ["-c", command], { cwd, env: { PATH: PATH_WITH_DENO } });
}

/** Where the Deno of these tests keeps its packages. */
async function ownDenoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

async function must(program: string, args: string[], options: Deno.CommandOptions = {}): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args,
    stderr: "piped",
    stdout: "null",
    ...options,
  })
    .output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr).slice(-2_000)}`);
}
