/** The inside of a query process: takes requests from one stream, answers on another, watches its own size. */
import { Fault } from "../errors.ts";
import { type AnswerSink, DuckdbSession } from "./duckdb_session.ts";
import { encodeFrame, readFrames } from "./frames.ts";
import { type FromChild, OVER_MEMORY_EXIT, plainFault, type ToChild } from "./message.ts";

export interface ProcessPowers {
  exit(code: number): never;
  /** Memory that the process holds now. */
  residentBytes(): number;
}

const WATCH_EVERY_MS = 20;

/** Serves until `input` ends, then exits. A defect exits too: the parent starts another process. */
export async function runQueryProcess(
  input: ReadableStream<Uint8Array>,
  output: WritableStream<Uint8Array>,
  powers: ProcessPowers,
): Promise<void> {
  const writer = output.getWriter();
  const send = (message: FromChild) => writer.write(encodeFrame(message));
  let session: DuckdbSession | null = null;
  for await (const { message } of readFrames(input)) {
    // Only our own parent writes here.
    const order = message as ToChild;
    if ("open" in order) {
      session = new DuckdbSession(order.open);
      watch(order.open.process_bytes, powers);
      await session.ready();
      await send({ ready: true });
    } else if ("run" in order) {
      serve(session!, order, { send, powers }).catch((error) => {
        console.error(error);
        powers.exit(1);
      });
    } else session?.interrupt();
  }
  powers.exit(0);
}

async function serve(
  session: DuckdbSession,
  order: Extract<ToChild, { run: unknown }>,
  { send, powers }: { send: (message: FromChild) => Promise<void>; powers: ProcessPowers },
): Promise<void> {
  const sink: AnswerSink = { columns: (columns) => send({ columns }), rows: (rows) => send({ rows }) };
  try {
    const done = order.parquet_path === undefined
      ? await session.run(order.run, sink)
      : await session.runToParquet(order.run, order.parquet_path);
    await send({ done, resident_bytes: powers.residentBytes() });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    await send({ fault: plainFault(error), resident_bytes: powers.residentBytes() });
  }
}

/** DuckDB's own limit covers its buffers only; strings and hash tables may grow beside it. */
function watch(limitBytes: number, powers: ProcessPowers): void {
  setInterval(() => {
    if (powers.residentBytes() > limitBytes) powers.exit(OVER_MEMORY_EXIT);
  }, WATCH_EVERY_MS);
}
