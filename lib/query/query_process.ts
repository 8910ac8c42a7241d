/** The inside of a query process: takes requests from one stream, answers on another, watches its own size. */
import { Fault } from "../errors.ts";
import { DuckdbSession } from "./duckdb_session.ts";
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
      serve(session!, order, send).catch((error) => {
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
  send: (message: FromChild) => Promise<void>,
): Promise<void> {
  try {
    if (order.parquet_path !== undefined) {
      await send({ done: await session.runToParquet(order.run, order.parquet_path) });
      return;
    }
    const { truncated } = await session.run(order.run, {
      columns: (columns) => send({ columns }),
      rows: (rows) => send({ rows }),
    });
    await send({ done: { truncated } });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    await send({ fault: plainFault(error) });
  }
}

/** DuckDB's own limit covers its buffers only; strings and hash tables may grow beside it. */
function watch(limitBytes: number, powers: ProcessPowers): void {
  setInterval(() => {
    if (powers.residentBytes() > limitBytes) powers.exit(OVER_MEMORY_EXIT);
  }, WATCH_EVERY_MS);
}
