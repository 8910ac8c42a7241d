/** Asks a store, before anything relies on it, whether it keeps the one promise that all of exactly-once rests on. */
import { Fault } from "../errors.ts";
import type { Created, ObjectStore } from "./object_store.ts";

/** Where the objects of the probe live for a moment. */
const PREFIX = "state/probe/";
const RACERS = 32;

/**
 * Lets 32 callers race for one fresh key: exactly one may win, what is read must be the winner's, and who comes later
 * must lose. Else the store ignores or breaks conditional creates, and the Fault `store_lies` says so. Several may
 * probe one store at once.
 */
export async function probeStore(store: ObjectStore): Promise<void> {
  const key = PREFIX + crypto.randomUUID();
  try {
    await race(store, key);
  } catch (error) {
    // Where nothing could be created, deleting fails as well, and would be what is heard.
    await store.delete([key]).catch(() => undefined);
    throw error;
  }
  await store.delete([key]);
}

async function race(store: ObjectStore, key: string): Promise<void> {
  const bodies = Array.from({ length: RACERS }, (_, racer) => new TextEncoder().encode(`racer ${racer}`));
  const answers = await Promise.all(bodies.map((body) => store.create(key, body)));
  const winners = answers.flatMap((answer, racer) => answer === "created" ? [racer] : []);
  if (winners.length > 1) throw lies(`${winners.length} of ${RACERS} callers created the same object`);
  const winner = await readWinner(store, key);
  if (!mayHaveWon(answers, winners, winner)) {
    throw lies("the object is not that of the caller who created it");
  }
  if (await store.create(key, bodies[0]) === "created") {
    throw lies("an object that exists was created again");
  }
  if (await readWinner(store, key) !== winner) throw lies("an object that exists was changed");
}

/** Callers who did not hear their answer may have won too, when nobody else says so. */
function mayHaveWon(answers: readonly Created[], winners: readonly number[], winner: number): boolean {
  return winners.length === 1 ? winner === winners[0] : answers[winner] === "unknown";
}

async function readWinner(store: ObjectStore, key: string): Promise<number> {
  const body = await store.read(key);
  if (body === null) throw lies("an object that was just created is not there");
  return Number(/^racer (\d+)$/.exec(new TextDecoder().decode(body))?.[1] ?? -1);
}

function lies(state: string): Fault {
  const hint = "use a store that honours If-None-Match (such as MinIO, AWS S3 or a local disk)";
  return new Fault("store_lies", `Cannot trust the store: ${state}; ${hint}`, {
    blame: "dependency",
    retry: "never",
  });
}
