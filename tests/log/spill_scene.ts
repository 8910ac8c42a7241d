/** A door with a spill before a broker that can be away or lose its answers, for the tests of the spill. */
import { systemClock } from "../../lib/clock.ts";
import { Fault } from "../../lib/errors.ts";
import type { EventLog, NewRecord } from "../../lib/log/log.ts";
import { openSpillingLog, type SpillingLog, type SpillStore } from "../../lib/log/spill.ts";
import { openSqliteLog, type SqliteLog } from "../../lib/log/sqlite_log.ts";
import { partitionOf } from "../../lib/log/topics.ts";
import { readToEnd, record, textOf } from "../contracts/log_contract.ts";

export type Weather = "there" | "away" | "loses answers";

/** An embedded log that plays the broker, away or losing answers as told. */
function weatherLog(log: EventLog, weather: { now: Weather }): EventLog {
  const away = () =>
    new Fault("log_unavailable", "Cannot reach the broker: it is away", {
      blame: "dependency",
      retry: "after_backoff",
    });
  const through = async <T>(effect: () => Promise<T>): Promise<T> => {
    if (weather.now === "away") throw away();
    const answer = await effect();
    if (weather.now !== "there") throw away();
    return answer;
  };
  return {
    identity: (topic) => through(() => log.identity(topic)),
    append: (topic, records) => through(() => log.append(topic, records)),
    bounds: (topic, partition) => through(() => log.bounds(topic, partition)),
    read: (...place) => log.read(...place),
    offsetAt: (...place) => log.offsetAt(...place),
    trim: (...place) => log.trim(...place),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Pauses that are over at once, so that outages pass in no time. */
const hastyClock = {
  now: systemClock.now,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 2), signal),
};

/** A spill that takes its time, so that what must not come between has every chance to. */
function slowStore(log: SqliteLog): SpillStore {
  const slowly = async <T>(effect: () => Promise<T>): Promise<T> => {
    if (Math.random() < 0.5) await systemClock.sleep(Math.random() * 3);
    const answer = await effect();
    if (Math.random() < 0.5) await systemClock.sleep(Math.random() * 3);
    return answer;
  };
  return {
    identity: (topic) => log.identity(topic),
    held: (topic) => log.held(topic),
    bounds: (...place) => slowly(() => log.bounds(...place)),
    append: (...given) => slowly(() => log.append(...given)),
    read: (...place) => slowly(() => log.read(...place)),
    offsetAt: (...place) => log.offsetAt(...place),
    trim: (...place) => slowly(() => log.trim(...place)),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

/** A spill whose reads wait while `gate` is closed. */
export class Gate {
  #opened = Promise.withResolvers<void>();
  #waiting = Promise.withResolvers<void>();
  #closed = false;

  close(): void {
    this.#closed = true;
    this.#opened = Promise.withResolvers();
    this.#waiting = Promise.withResolvers();
  }

  open(): void {
    this.#closed = false;
    this.#opened.resolve();
  }

  /** Resolves when a read stands before the closed gate. */
  get someoneWaits(): Promise<void> {
    return this.#waiting.promise;
  }

  async pass(): Promise<void> {
    if (!this.#closed) return;
    this.#waiting.resolve();
    await this.#opened.promise;
  }
}

/** Reads that find nothing, one after the other, beyond which a spill turns in circles and lets nobody else run. */
const EMPTY_READS = 1_000;

function gatedStore(log: SqliteLog, gate: Gate, disk: { full: boolean }): SpillStore {
  let empty = 0;
  return {
    identity: (topic) => log.identity(topic),
    held: (topic) => log.held(topic),
    bounds: (...place) => log.bounds(...place),
    append: (...given) => log.append(...given),
    async read(...place) {
      const records = await log.read(...place);
      await gate.pass();
      empty = records.length > 0 ? 0 : empty + 1;
      if (empty > EMPTY_READS) throw new RangeError("The spill is read for ever");
      return records;
    },
    offsetAt: (...place) => log.offsetAt(...place),
    trim: (...place) => disk.full ? Promise.reject(diskFull()) : log.trim(...place),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

function diskFull(): Fault {
  return new Fault("log_unavailable", "Cannot trim the log: database or disk is full", {
    blame: "dependency",
    retry: "after_backoff",
  });
}

export class Scene {
  readonly gate = new Gate();
  /** Of the spill: nothing can be deleted while it is full. */
  readonly disk = { full: false };
  readonly weather: { now: Weather } = { now: "there" };
  readonly warnings: string[] = [];
  broker!: SqliteLog;
  #folder!: string;

  constructor(
    readonly sizes: { topic: number; spill: number; max_bytes?: number; piece_records?: number; slow?: true },
  ) {}

  async prepare(): Promise<void> {
    this.#folder = await Deno.makeTempDir();
    this.broker = await openSqliteLog({ directory: `${this.#folder}/broker`, partitions: this.sizes.topic });
  }

  async door(): Promise<SpillingLog> {
    const store = await openSqliteLog({ directory: `${this.#folder}/spill`, partitions: this.sizes.spill });
    return await openSpillingLog({
      broker: weatherLog(this.broker, this.weather),
      store: this.sizes.slow ? slowStore(store) : gatedStore(store, this.gate, this.disk),
      max_bytes: this.sizes.max_bytes ?? 1e9,
      piece_records: this.sizes.piece_records,
      warn: (message) => void this.warnings.push(message),
      clock: hastyClock,
    });
  }

  async stored(): Promise<string[][]> {
    const partitions = Array.from({ length: this.sizes.topic }, (_, p) => p);
    return await Promise.all(
      partitions.map(async (p) =>
        (await readToEnd(this.broker, "events", p)).map((one) => `${one.key}:${textOf(one)}`)
      ),
    );
  }

  async end(): Promise<void> {
    await this.broker[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

export async function withScene(sizes: Scene["sizes"], body: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = new Scene(sizes);
  await scene.prepare();
  try {
    await body(scene);
  } finally {
    await scene.end();
  }
}

export function keyed(key: string, text: string, partitions: number): NewRecord {
  return record(text, partitionOf(key, partitions), { key });
}

export async function drained(door: SpillingLog): Promise<void> {
  while (door.state.records > 0 || door.state.oldest_ms !== null) await systemClock.sleep(1);
}
