/** Reads a request's body, bounded in bytes and in time, and never believes what its headers say of it. */
import type { Connection } from "./client_address.ts";
import type { Deadlines } from "./deadlines.ts";
import type { BytesInFlight } from "./limits.ts";
import { problem } from "./problem.ts";

export interface BodyLimits {
  max_bytes: number;
  deadlines: Deadlines;
  in_flight: BytesInFlight;
}

/** A body in memory, accounted for until it is disposed of; or the answer to give instead. */
export type BodyReading = { bytes: Uint8Array; refused: null; release(): void } | { refused: Response };

/** What a request costs beside its body. */
const OVERHEAD_BYTES = 4096;

/** A body that declares no more than this is read at once: should it drip, no more than this can be lost on it. */
const SMALL_BYTES = 16 * 1024;

const KNOWN_LENGTH = /^\d{1,15}$/;

/**
 * 413 as soon as more than `max_bytes` are declared or come, 415 for an encoded body, 408 when the body is not
 * complete in time, 503 when all bodies together need too much memory, 400 when the connection broke. Each of these
 * closes the connection, because what the client still sends must not be read as its next request: what it sends does
 * so. On one that sends nothing more the runtime cannot hang up; it costs what any idle connection does.
 */
export async function readBody(
  request: Request,
  connection: Connection | undefined,
  limits: BodyLimits,
): Promise<BodyReading> {
  const declared = request.headers.get("content-length");
  const early = refusedUnread(request, declared, limits);
  if (early) return { refused: early };
  const length = declared === null ? null : Number(declared);
  let held = OVERHEAD_BYTES + (length ?? 0);
  if (!limits.in_flight.take(held)) return { refused: noRoom() };
  const release = () => {
    limits.in_flight.give(held);
    held = 0;
  };
  const grow = (bytes: number) => {
    if (!limits.in_flight.take(bytes)) return false;
    held += bytes;
    return true;
  };
  const read = length === 0
    ? new Uint8Array()
    : await beforeDeadline(request, connection, { ...limits, length, grow });
  if (read instanceof Response) {
    release();
    return { refused: read };
  }
  return { bytes: read, refused: null, release };
}

/** The refusals that need no byte of the body. */
export function refusedUnread(
  request: Request,
  declared: string | null,
  limits: Pick<BodyLimits, "max_bytes">,
): Response | null {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity" || isPackedForTransfer(request, declared)) {
    return problem({
      status: 415,
      detail: "The body is encoded; send it as it is.",
      code: "encoded_body",
      close: true,
      headers: { "accept-encoding": "identity" },
    });
  }
  if (declared === null) return null;
  if (!KNOWN_LENGTH.test(declared)) {
    return problem({ status: 400, detail: "Content-Length is not a number.", close: true });
  }
  return Number(declared) > limits.max_bytes ? tooLarge(limits.max_bytes) : null;
}

/** The runtime takes chunks apart, and leaves what they were packed by (`gzip, chunked`) as it is. */
function isPackedForTransfer(request: Request, declared: string | null): boolean {
  if (declared !== null) return false;
  const coding = request.headers.get("transfer-encoding");
  return coding !== null && coding.toLowerCase() !== "chunked";
}

interface Reading extends BodyLimits {
  length: number | null;
  /** Accounts for bytes of a body of unknown length; false when there is no room. */
  grow(bytes: number): boolean;
}

async function beforeDeadline(
  request: Request,
  connection: Connection | undefined,
  reading: Reading,
): Promise<Uint8Array | Response> {
  const { deadlines, length } = reading;
  const isSmall = length !== null && length <= SMALL_BYTES;
  // A body that is only looked at is not let go of by the server, so a small one is not.
  const reader = isSmall ? null : request.body?.getReader() ?? null;
  const outcome = Promise.withResolvers<Uint8Array | Response>();
  const deadline = deadlines.start(() => outcome.resolve(timedOut(deadlines.timeout_ms)));
  (reader ? collect(reader, reading) : whole(request, reading)).then(outcome.resolve, outcome.reject);
  try {
    const read = await outcome.promise;
    if (read instanceof Response && reader) dropAfterAnswer(reader, connection);
    return read;
  } catch (error) {
    // The client broke off: nobody reads this answer, it only has to be one.
    if (error instanceof RangeError) throw error;
    return problem({ status: 400, detail: "The body ended before it was complete.", close: true });
  } finally {
    deadlines.met(deadline);
  }
}

/** Half the price of reading a stream. What is declared is believed as far as it goes, and looked at afterwards. */
async function whole(request: Request, reading: Reading): Promise<Uint8Array | Response> {
  const bytes = await request.bytes();
  return bytes.length > reading.max_bytes ? tooLarge(reading.max_bytes) : bytes;
}

async function collect(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  reading: Reading,
): Promise<Uint8Array | Response> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > reading.max_bytes) return tooLarge(reading.max_bytes);
    if (reading.length === null && !reading.grow(value.length)) return noRoom();
    chunks.push(value);
  }
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/**
 * Lets go of the rest of the body one turn after the answer is out. Earlier, the server would keep the connection for
 * the bytes still to come; then, the next one that arrives closes it.
 */
function dropAfterAnswer(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  connection: Connection | undefined,
): void {
  // A cancelled reading has nobody left to tell.
  const drop = () => setTimeout(() => void reader.cancel().catch(() => undefined), 0);
  void (connection?.completed ?? Promise.resolve()).then(drop, drop);
}

function tooLarge(max_bytes: number): Response {
  return problem({
    status: 413,
    detail: `The body is larger than ${max_bytes} bytes.`,
    code: "body_too_large",
    close: true,
  });
}

function timedOut(timeout_ms: number): Response {
  return problem({
    status: 408,
    detail: `The body was not complete after ${timeout_ms} ms.`,
    code: "slow_body",
    close: true,
  });
}

function noRoom(): Response {
  return problem({
    status: 503,
    detail: "Too many bodies are in memory; try again.",
    code: "busy",
    retry_after_s: 1,
    close: true,
  });
}
