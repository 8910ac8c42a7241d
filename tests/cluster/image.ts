/** The image of `deploy/Dockerfile` as a folder: what it copies, made ready by its own commands. */
import assert from "node:assert/strict";

export interface Image {
  folder: string;
  entrypoint: string[];
}

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
    // The last stage's commands are about users and folders of the container.
    if (line.startsWith("RUN deno ")) await run(line.slice("RUN ".length), folder);
  }
  const entrypoint = lines.find((line) => line.startsWith("ENTRYPOINT "))!.slice("ENTRYPOINT ".length);
  return { folder, entrypoint: JSON.parse(entrypoint) };
}

/** What stands in the image now, to be seen that nobody writes into it. */
export async function filesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
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
  const path = `${Deno.execPath().replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}`;
  await must("sh", ["-c", command], { cwd, env: { PATH: path } });
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
