/**
 * `/api/live` and `/api/stats`: the live numbers as Server-Sent Events, or once.
 *
 *   event: snapshot   all of it, at first        event: delta   what changed, one to four times a second
 *
 * A client that reads slowly gets fewer and larger deltas; nothing piles up for it.
 */
import { Hono } from "hono";
import type { Clock } from "../lib/clock.ts";
import type { Feed } from "../lib/live/fanout.ts";
import type { LiveHub, LiveMessage } from "../lib/live/hub.ts";
import type { Env } from "./door.ts";
import { problem } from "./problem.ts";

export interface LiveDeps {
  clock: Clock;
  live: LiveHub;
}

const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};
const RETRY_MS = 2_000;
const HEARTBEAT_MS = 15_000;

export function live({ clock, live }: LiveDeps): Hono<Env> {
  const told = new WeakMap<LiveMessage, Uint8Array>();
  return new Hono<Env>()
    .get("/api/stats", async (c) => c.json(await live.snapshot()))
    .get("/api/live", async (c) => {
      // Nobody reads a stream whose head was asked for: it would stay open for ever.
      if (c.req.method === "HEAD") return new Response(null, { headers: STREAM_HEADERS });
      const opened = await live.open();
      if (opened === null) {
        return problem({ status: 503, detail: "Too many browsers are watching.", retry_after_s: 30 });
      }
      return new Response(stream(opened.feed, { first: opened.first, clock, told }), {
        headers: STREAM_HEADERS,
      });
    });
}

interface Streaming {
  first: LiveMessage;
  clock: Clock;
  /** Bytes of messages that go to many. */
  told: WeakMap<LiveMessage, Uint8Array>;
}

function stream(feed: Feed<LiveMessage>, { first, clock, told }: Streaming): ReadableStream<Uint8Array> {
  let isFirst = true;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (isFirst) {
        isFirst = false;
        return controller.enqueue(bytes("snapshot", first));
      }
      const message = await nextOrHeartbeat(feed, clock);
      if (message === null) return controller.close();
      if (message === "heartbeat") return controller.enqueue(HEARTBEAT);
      let delta = told.get(message);
      if (!delta) told.set(message, delta = bytes("delta", message));
      controller.enqueue(delta);
    },
    cancel: () => feed.leave(),
  }, { highWaterMark: 0 });
}

const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(": heartbeat\n\n");

function bytes(event: "snapshot" | "delta", { id, payload }: LiveMessage): Uint8Array {
  return encoder.encode(
    `event: ${event}\nid: ${id}\nretry: ${RETRY_MS}\ndata: ${JSON.stringify(payload)}\n\n`,
  );
}

async function nextOrHeartbeat(
  feed: Feed<LiveMessage>,
  clock: Clock,
): Promise<LiveMessage | "heartbeat" | null> {
  const silence = new AbortController();
  const over = new AbortController();
  const heartbeat = clock.sleep(HEARTBEAT_MS, over.signal).then(() => silence.abort(), () => undefined);
  try {
    const message = await feed.next(silence.signal);
    return message === null && silence.signal.aborted ? "heartbeat" : message;
  } finally {
    over.abort();
    await heartbeat;
  }
}
