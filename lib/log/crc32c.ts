/** CRC-32C (Castagnoli), the checksum of Kafka's record batches: eight tables, eight bytes a step. */

const POLYNOMIAL = 0x82f63b78;

const tables = Array.from({ length: 8 }, () => new Int32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  tables[0][byte] = crc;
}
for (let byte = 0; byte < 256; byte++) {
  for (let i = 1; i < 8; i++) {
    const before = tables[i - 1][byte];
    tables[i][byte] = (before >>> 8) ^ tables[0][before & 255];
  }
}
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;

/** The checksum of bytes[start..end), as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24);
    crc = t7[low & 255] ^ t6[low >>> 8 & 255] ^ t5[low >>> 16 & 255] ^ t4[low >>> 24] ^
      t3[bytes[at + 4]] ^ t2[bytes[at + 5]] ^ t1[bytes[at + 6]] ^ t0[bytes[at + 7]];
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]) & 255];
  return ~crc >>> 0;
}
