/**
 * Which network addresses are somebody's own: loopback, private, link-local, shared, reserved, and every IPv6 form that
 * carries such an IPv4 address. Alerts are sent only to the others unless a route allows it.
 *
 * Texts are canonical (as the resolver gives them, or a URL parser): 0x7f.1 has become 127.0.0.1 before.
 */

/** First address and prefix length. */
const PRIVATE_V4: readonly [string, number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Whether a packet to this address stays out of the public network. What is no address counts as private. */
export function isPrivateAddress(address: string): boolean {
  const v4 = v4Number(address);
  if (v4 !== null) return isPrivateV4(v4);
  const words = v6Words(address);
  return words === null || isPrivateV6(words);
}

function isPrivateV4(number: number): boolean {
  return PRIVATE_V4.some(([first, length]) => {
    const size = 2 ** (32 - length);
    return Math.floor(number / size) === Math.floor(v4Number(first)! / size);
  });
}

/** Only global unicast is public (2000::/3), without tunnels, documentation and what stands for an IPv4 address. */
function isPrivateV6(words: readonly number[]): boolean {
  const [a, b] = words;
  const last = words[6] * 0x10000 + words[7];
  // 64:ff9b::/96 is translated to the IPv4 address at its end.
  if (a === 0x64 && b === 0xff9b && words.slice(2, 6).every((word) => word === 0)) return isPrivateV4(last);
  if (a < 0x2000 || a > 0x3fff) return true;
  if (a === 0x2001 && b < 0x200) return true;
  if (a === 0x2001 && b === 0xdb8) return true;
  if (a === 0x2002) return true;
  return a === 0x3fff && b < 0x1000;
}

function v4Number(text: string): number | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  const parts = text.split(".").map(Number);
  return parts.some((part) => part > 255) ? null : parts.reduce((sum, part) => sum * 256 + part, 0);
}

function v6Words(text: string): number[] | null {
  const bare = text.replace(/^\[|\]$/g, "");
  if (!bare.includes(":") || bare.includes("%") || !URL.canParse(`http://[${bare}]/`)) return null;
  const canonical = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const [head, tail] = canonical.split("::").map((half) => half === "" ? [] : half.split(":"));
  const after = tail ?? [];
  const zeros = new Array(8 - head.length - after.length).fill("0");
  return [...head, ...zeros, ...after].map((word) => parseInt(word, 16));
}
