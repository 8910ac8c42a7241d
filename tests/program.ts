/** The real program as a child process: started on a free port, spoken to over HTTP, killed without mercy. */

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
  /** How long the first log line `listening` may take. */
  start_ms?: number;
  /** No file grows beyond so many KiB: as if the disk were full. */
  file_kib?: number;
}

const ROOT = new URL("..", import.meta.url);

export async function startProgram(options: ProgramOptions): Promise<Program> {
  const args = ["run", "-A", "--no-check", new URL("main.ts", ROOT).pathname, options.role ?? "all"];
  const limited = `trap "" XFSZ; ulimit -f ${options.file_kib}; exec "$0" "$@"`;
  const child = new Deno.Command(options.file_kib ? "bash" : Deno.execPath(), {
    args: options.file_kib ? ["-c", limited, Deno.execPath(), ...args] : args,
    cwd: ROOT.pathname,
    env: { PORT: "0", LOG_FORMAT: "json", ...options.env },
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
    listening.reject(
      new Error(`the program ended with ${status.code} before it listened:\n${lines.join("\n")}`),
    );
    return status.code;
  });
  const timer = setTimeout(() => {
    listening.reject(new Error(`the program does not listen:\n${lines.join("\n")}`));
  }, options.start_ms ?? 120_000);
  listening.promise.catch(() => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // It ended before it listened.
      if (!(error instanceof TypeError)) throw error;
    }
  });
  const { url } = await listening.promise.finally(() => clearTimeout(timer));
  return {
    url,
    pid: child.pid,
    lines,
    ended,
    async stop() {
      child.kill("SIGTERM");
      return await ended;
    },
    async kill() {
      child.kill("SIGKILL");
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
  let last: Record<string, unknown> = {};
  for (let i = 0; i < 1_200; i++) {
    last = await fetch(`${url}/api/status`, { headers: token ? { authorization: `Bearer ${token}` } : {} })
      .then((answer) => answer.json());
    if (last.settled === true) return last;
    await new Promise((resolve) => setTimeout(resolve, every_ms));
  }
  throw new Error(`does not settle: ${JSON.stringify(last)}`);
}
