import { deepStrictEqual, rejects } from "node:assert/strict";
import fc from "fast-check";
import { encodeFrame, readFrames } from "../../lib/query/frames.ts";

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

async function messages(stream: ReadableStream<Uint8Array>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { message } of readFrames(stream)) found.push(message);
  return found;
}

function joined(sent: readonly unknown[]): Uint8Array {
  return new Uint8Array(sent.flatMap((message) => [...encodeFrame(message)]));
}

Deno.test("readFrames gives what was sent, however the bytes are cut", async () => {
  const property = fc.asyncProperty(
    fc.array(fc.oneof(fc.string({ unit: "grapheme" }), fc.constant({}), fc.array(fc.integer())), {
      maxLength: 5,
    }),
    fc.integer({ min: 1, max: 9 }),
    async (sent, size) => {
      const bytes = joined(sent);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
      deepStrictEqual(await messages(streamOf(chunks)), sent);
    },
  );
  await fc.assert(property);
});

Deno.test("readFrames takes a message cut short for an error", async () => {
  const bytes = joined([{ a: 1 }, { b: 2 }]);
  for (const end of [1, 5, bytes.length - 1]) {
    await rejects(messages(streamOf([bytes.slice(0, end)])), RangeError);
  }
  await rejects(messages(streamOf([new Uint8Array([255, 255, 255, 255])])), /too many/);
});
