/** Puts an application on a port: a free one for 0, and a clear sentence when the port is taken. */
import { Fault } from "../lib/errors.ts";
import type { App } from "./app.ts";

export interface Listening extends AsyncDisposable {
  /** As people and clients may use it. */
  url: string;
  port: number;
  /** Takes no new request, lets those under way finish, and closes what is left after `grace_ms`. */
  close(grace_ms: number): Promise<void>;
}

export interface ListenOptions {
  host: string;
  port: number;
}

export function listen(app: App, { host, port }: ListenOptions): Listening {
  const hostname = host.replace(/^\[|\]$/g, "");
  const stop = new AbortController();
  const server = serve(app, { hostname, port, signal: stop.signal });
  const bound = server.addr.port;
  const close = async (grace_ms: number) => {
    const timer = setTimeout(() => stop.abort(), grace_ms);
    await server.shutdown().finally(() => clearTimeout(timer));
  };
  return {
    url: `http://${urlHost(hostname)}:${bound}`,
    port: bound,
    close,
    [Symbol.asyncDispose]: () => close(0),
  };
}

function serve(app: App, options: { hostname: string; port: number; signal: AbortSignal }) {
  try {
    return Deno.serve({ ...options, onListen() {} }, (request, info) => app.fetch(request, info));
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    const free = freePort(options.hostname);
    throw new Fault(
      "port_in_use",
      `Cannot listen on port ${options.port}: it is in use. PORT=${free} is free.`,
      { blame: "sender", retry: "never", cause: error },
    );
  }
}

function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

/** Nobody can open 0.0.0.0; the machine itself is reached by its loopback name. */
function urlHost(hostname: string): string {
  if (hostname === "0.0.0.0" || hostname === "::") return "127.0.0.1";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
