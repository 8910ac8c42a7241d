/** Ends a process that a test started, also one that has ended by itself meanwhile, and waits until it is gone. */
export async function endChild(
  child: Deno.ChildProcess,
  signal: Deno.Signal = "SIGKILL",
): Promise<Deno.CommandStatus> {
  signalChild(child, signal);
  return await child.status;
}

/** Sends the signal to who is still there. */
export function signalChild(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It has ended before.
    if (!(error instanceof TypeError)) throw error;
  }
}
