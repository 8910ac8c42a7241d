/** One command of the program as a child process, with an environment of its own. */
import { PATIENT } from "../program.ts";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

const ROOT = new URL("../..", import.meta.url);
/** A command that does not end is a failure, not a wait for ever. */
const PATIENCE_MS = 300_000;

export async function runCommand(
  args: readonly string[],
  env: Record<string, string>,
  cwd = ROOT.pathname,
  /** A command with arguments that makes itself the program. */
  under: readonly string[] = [],
): Promise<Ran> {
  const main = [Deno.execPath(), "run", "-A", "--no-check", new URL("main.ts", ROOT).pathname];
  const [command, ...rest] = [...under, ...main, ...args];
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: rest,
    cwd,
    env: { ...PATIENT, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
