/** Who is calling, as an address to count by: the peer, or what trusted proxies say of it. */

/** What `Deno.serve` tells of a request; tests give their own. */
export interface Connection {
  remoteAddr?: { hostname?: string };
  /** Resolves when the answer was sent. */
  completed?: Promise<void>;
}

const MAX_ADDRESS_CHARS = 64;

/**
 * With `hops` trusted proxies in front, the address that the outermost of them saw: the hops-th from the right of
 * X-Forwarded-For. What stands further left was written by the client and is not believed.
 */
export function clientAddress(headers: Headers, connection: Connection | undefined, hops: number): string {
  const peer = connection?.remoteAddr?.hostname ?? "unknown";
  if (hops === 0) return network(peer);
  const forwarded = (headers.get("x-forwarded-for") ?? "").split(",").map((one) => one.trim()).filter(
    Boolean,
  );
  return network(forwarded.at(-hops) ?? forwarded[0] ?? peer);
}

/** An IPv6 client owns a /64 at least: that is what counts. */
function network(address: string): string {
  const text = address.slice(0, MAX_ADDRESS_CHARS).toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (mapped) return mapped[1];
  if (!text.includes(":")) return text;
  const [head, tail] = text.replace(/^\[|\].*$/g, "").split("%")[0].split("::");
  const left = head ? head.split(":") : [];
  const right = tail ? tail.split(":") : [];
  const all = tail === undefined
    ? left
    : [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right];
  return all.slice(0, 4).join(":") + "::/64";
}
