/** Listening: the port, the address that people open, and what to say when somebody else has it. */
import type { Settings } from "../lib/config.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import type { App } from "../routes/app.ts";

export interface Listening {
  url: string;
  /** Takes no more requests, and waits for those under way. */
  stop(): Promise<void>;
}

const DRAIN_MS = 3_000;

export function listen(app: App, settings: Settings): Listening {
  const options = {
    hostname: settings.HOST,
    port: settings.PORT,
    onListen: () => undefined,
  };
  const server = begin(() => Deno.serve(options, (request, info) => app.fetch(request, info)), settings);
  const { port } = server.addr;
  return {
    url: reachableUrl(settings.HOST, port),
    async stop() {
      // What is still under way then (a slow download) ends with the process.
      const patience = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_MS));
      await Promise.race([server.shutdown(), patience]);
    },
  };
}

/** The address under which this machine reaches a server that listens on `host`. */
export function reachableUrl(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") && !name.startsWith("[") ? `[${name}]` : name}:${port}`;
}

/** Throws what `listen` would, so that who cannot start leaves nothing behind. */
export function refuseTakenPort(settings: Settings): void {
  begin(() => Deno.listen({ hostname: settings.HOST, port: settings.PORT }), settings).close();
}

function begin<T>(open: () => T, settings: Settings): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) {
      const message = `Cannot listen on ${settings.HOST}:${settings.PORT}: ${
        messageOf(error)
      }. Set HOST and PORT`;
      throw new Fault("cannot_listen", message, { blame: "dependency", retry: "never" });
    }
    throw new Fault(
      "port_in_use",
      `Cannot listen on port ${settings.PORT}: another program has it. Port ${
        freePort(settings.HOST)
      } is free: set PORT`,
      { blame: "dependency", retry: "never" },
    );
  }
}

function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}
