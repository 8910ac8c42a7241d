/** Messages over a byte stream: four bytes of length, big endian, then that many bytes of JSON. */

const HEADER_BYTES = 4;
const MAX_FRAME_BYTES = 1024 ** 3;

export function encodeFrame(message: unknown): Uint8Array<ArrayBuffer> {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, HEADER_BYTES);
  return frame;
}

export interface Frame {
  message: unknown;
  size_bytes: number;
}

/** Yields each message as soon as it is whole. Ends with the stream; a message cut short is an error. */
export async function* readFrames(stream: ReadableStream<Uint8Array>): AsyncGenerator<Frame> {
  let chunks: Uint8Array[] = [];
  let held = 0;
  let wanted = HEADER_BYTES;
  let inBody = false;
  for await (const chunk of stream) {
    chunks.push(chunk);
    held += chunk.length;
    while (held >= wanted) {
      const joined = join(chunks, held);
      const part = joined.subarray(0, wanted);
      chunks = [joined.subarray(wanted)];
      held -= wanted;
      if (inBody) yield { message: JSON.parse(new TextDecoder().decode(part)), size_bytes: part.length };
      wanted = inBody ? HEADER_BYTES : new DataView(part.buffer, part.byteOffset).getUint32(0);
      inBody = !inBody;
      if (wanted > MAX_FRAME_BYTES) {
        throw new RangeError(`Cannot read a message: ${wanted} bytes are too many`);
      }
    }
  }
  if (held > 0 || inBody) throw new RangeError("Cannot read a message: the stream ended within it");
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
