/**
 * A port that nobody listens on, for servers that are stopped and started again on it. Below the range from which the
 * system takes the ports of connections, so that none of those stands in the way when the server comes back.
 */
const FROM = 20_000;
const TO = 32_000;
/** Whoever was given one may not listen on it yet. */
const given = new Set<number>();

export function freePort(): number {
  for (;;) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    if (given.has(port)) continue;
    given.add(port);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
