/** The real program as a child process: started on a free port, spoken to over HTTP, killed without mercy. */
import { signalChild } from "./child.ts";
import { eventually, inTime } from "./waiting.ts";

export interface Program {
  url: string;
  pid: number;
  /** Log lines so far. */
  lines: string[];
  /** Sends SIGTERM and waits; the exit code. */
  stop(): Promise<number>;
  /** kill -9. */
  kill(): Promise<void>;
  readonly ended: Promise<number>;
}

export interface ProgramOptions {
  role?: string;
  env: Record<string, string>;
  /** No file grows beyond so many KiB: as if the disk were full. */
  file_kib?: number;
  /** What the program runs under: a command and its arguments, which makes itself the program. */
  under?: readonly string[];
}

const ROOT = new URL("..", import.meta.url);
/** No query is to fail because the machine is busy. */
export const PATIENT = { QUERY_TIMEOUT_MS: "120000" };
const HOUR = "3600000";
/** Nothing but what it is sent makes this program write or read, however long a test takes. */
export const AT_REST = {
  TICK_AFTER_MS: HOUR,
  UPKEEP_AFTER_MS: HOUR,
  COMPACT_EVERY_MS: HOUR,
  EXPIRE_EVERY_MS: HOUR,
  AUDIT_EVERY_MS: HOUR,
  MODELS_EVERY_MS: HOUR,
};

export async function startProgram(options: ProgramOptions): Promise<Program> {
  const args = ["run", "-A", "--no-check", new URL("main.ts", ROOT).pathname, options.role ?? "all"];
  const limited = `trap "" XFSZ; ulimit -f ${options.file_kib}; exec "$0" "$@"`;
  const under = options.file_kib ? ["bash", "-c", limited] : options.under ?? [];
  const [command, ...rest] = [...under, Deno.execPath(), ...args];
  const child = new Deno.Command(command, {
    args: rest,
    cwd: ROOT.pathname,
    env: { PORT: "0", LOG_FORMAT: "json", ...PATIENT, ...options.env },
    stdout: "piped",
    stderr: "piped",
    stdin: "null",
  }).spawn();
  const lines: string[] = [];
  const listening = Promise.withResolvers<{ url: string }>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      const pieces = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = pieces.pop()!;
      for (const line of pieces) {
        lines.push(line);
        if (line.includes('"msg":"listening"')) listening.resolve(JSON.parse(line));
      }
    }
  };
  const reading = Promise.all([read(child.stdout), read(child.stderr)]);
  const ended = child.status.then(async (status) => {
    await reading;
    listening.reject(new Error(`the program ended with ${status.code} before it listened`));
    return status.code;
  });
  const { url } = await inTime(listening.promise, "the line `listening`").catch((error) => {
    signalChild(child, "SIGKILL");
    throw new Error(`${error.message}:\n${lines.join("\n")}`);
  });
  return {
    url,
    pid: child.pid,
    lines,
    ended,
    async stop() {
      signalChild(child, "SIGTERM");
      return await inTime(ended, "the end of the program");
    },
    async kill() {
      signalChild(child, "SIGKILL");
      await ended;
    },
  };
}

/** Polls /api/status until `settled`; what it said last otherwise. */
export async function settled(
  url: string,
  token?: string,
  every_ms = 100,
): Promise<Record<string, unknown>> {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const status = async (): Promise<Record<string, unknown>> =>
    await (await fetch(`${url}/api/status`, { headers })).json();
  return await eventually(status, ({ settled }) => settled === true, { what: "a settled status", every_ms });
}
