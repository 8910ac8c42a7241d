/**
 * SHA-256 (FIPS 180-4) over small messages, in the calling thread and without an object of the runtime.
 *
 * The runtime's own hash is faster by the byte, but each call leaves an object behind that only a full collection frees:
 * at 25,000 hashes a second that is a pause of 100 ms every few seconds. What is large is its business all the same.
 *
 * A state is eight words; `absorb` takes whole blocks of 64 bytes, `finish` the rest and the length.
 */

export const BLOCK_BYTES = 64;
export const DIGEST_BYTES = 32;
const WORDS = 16;
const ROUNDS = 64;
const LENGTH_BYTES = 8;

/** The first 32 bits behind the point of the square roots of the first 8 primes, of the cube roots of the first 64. */
const START = fractions(8, Math.sqrt);
const CONSTANTS = fractions(ROUNDS, Math.cbrt);

const schedule = new Int32Array(ROUNDS);
const padded = new Uint8Array(2 * BLOCK_BYTES);

/** The state before the first byte. */
export function startState(): Int32Array {
  return START.slice();
}

/** Mixes the whole blocks of `bytes` into the state, and answers how many bytes those were. */
export function absorb(state: Int32Array, bytes: Uint8Array): number {
  const whole = bytes.length - bytes.length % BLOCK_BYTES;
  for (let at = 0; at < whole; at += BLOCK_BYTES) mix(state, bytes, at);
  return whole;
}

/** Mixes all of `bytes` and the padding in, when `before` bytes (whole blocks) went in already, and writes the digest. */
export function finish(state: Int32Array, bytes: Uint8Array, before: number, digest: Uint8Array): void {
  const from = absorb(state, bytes);
  const rest = bytes.length - from;
  padded.fill(0);
  padded.set(bytes.subarray(from));
  padded[rest] = 0x80;
  const end = rest + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
  const bits = (before + bytes.length) * 8;
  putWord(padded, end - 8, Math.floor(bits / 0x1_0000_0000));
  putWord(padded, end - 4, bits);
  for (let at = 0; at < end; at += BLOCK_BYTES) mix(state, padded, at);
  for (let word = 0; word < START.length; word++) putWord(digest, 4 * word, state[word]);
}

/** One block. */
function mix(state: Int32Array, bytes: Uint8Array, at: number): void {
  const w = schedule;
  const k = CONSTANTS;
  for (let i = 0; i < WORDS; i++, at += 4) {
    w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = WORDS; i < ROUNDS; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  // Word by word: taking an array apart would ask its iterator, 8 times a block.
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < ROUNDS; i++) {
    const one = (h + sum1(e) + choice(e, f, g) + k[i] + w[i]) | 0;
    const two = (sum0(a) + majority(a, b, c)) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function sum0(x: number): number {
  return (x >>> 2 | x << 30) ^ (x >>> 13 | x << 19) ^ (x >>> 22 | x << 10);
}

function sum1(x: number): number {
  return (x >>> 6 | x << 26) ^ (x >>> 11 | x << 21) ^ (x >>> 25 | x << 7);
}

function choice(x: number, y: number, z: number): number {
  return z ^ (x & (y ^ z));
}

function majority(x: number, y: number, z: number): number {
  return (x & y) | (z & (x | y));
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

function fractions(count: number, root: (prime: number) => number): Int32Array {
  const words = new Int32Array(count);
  for (let found = 0, candidate = 2; found < count; candidate++) {
    if (!isPrime(candidate)) continue;
    const value = root(candidate);
    words[found++] = (value - Math.floor(value)) * 0x1_0000_0000;
  }
  return words;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return true;
}
