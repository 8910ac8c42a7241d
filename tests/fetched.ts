/** What tests bring from registries into the cache outside the tree, once. A registry that refuses or stumbles is asked again. */
import { pause } from "./waiting.ts";

const PAUSES_MS = [2_000, 10_000, 30_000, 60_000];

/** Where it is kept from one run to the next. */
export function cacheFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return `${cache}/millrace`;
}

/** Runs a tool that fetches, until it succeeds; its last words when it never does. */
export async function fetchBy(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  for (const pause_ms of [...PAUSES_MS, null]) {
    const failure = await failureOf(command, args, env);
    if (failure === null) return;
    if (pause_ms === null) throw new Error(failure);
    console.error(`${failure}\nTrying again in ${pause_ms / 1000} s`);
    await pause(pause_ms);
  }
}

async function failureOf(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<string | null> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return null;
  const text = new TextDecoder();
  const words = `${text.decode(stdout).slice(-2_000)}${text.decode(stderr).slice(-4_000)}`;
  return `${command} ${args.slice(0, 3).join(" ")} failed:\n${words}`;
}
