/**
 * What a lake of 1,000 commits costs against one of 10: a commit, a checkpoint, a start. Nothing may grow with age.
 *
 * The old lake was looked after as the program does it: snapshots are thinned and garbage is collected every ten
 * minutes, and the costs are taken right before it is due again. Nothing is compacted.
 */
import { IMAGE_FLOOR_BYTES } from "../../lib/partition/run.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { SmallLake, TestClock, withWriter } from "../lake/small_lake.ts";
import { startProgram } from "../program.ts";
import { settingsOf } from "../routes/test_app.ts";
import { type Bench, type Figure, median, secondsOf } from "./bench.ts";

const YOUNG = 10;
const OLD = 1_000;
const MORE = 20;
/** The program's own pace. */
const { CHECKPOINT_MS: COMMIT_EVERY_MS, EXPIRE_EVERY_MS } = settingsOf();
const COMMITS_BETWEEN_COLLECTIONS = EXPIRE_EVERY_MS / COMMIT_EVERY_MS;
const STARTS = 3;
const READY_EVERY_MS = 10;

interface Costs {
  commit: number;
  checkpoint: number;
  start: number;
}

export const ageBench: Bench = {
  name: "age",
  async run() {
    let costs: Record<"young" | "old", Costs> | null = null;
    await withWriter(async (writer) => {
      await using young = await lakeOf(YOUNG, writer);
      await using old = await lakeOf(OLD, writer);
      costs = { young: await costsOf(young), old: await costsOf(old) };
    });
    const { young, old } = costs!;
    return [
      figure("a commit", old.commit, young.commit),
      figure("a checkpoint", old.checkpoint, young.checkpoint),
      figure("a start, until it is ready", old.start, young.start),
    ];
  },
};

function figure(what: string, value: number, young: number): Figure {
  return {
    what: `${what} after ${OLD} commits`,
    value,
    unit: "s",
    reference: { what: `after ${YOUNG}`, value: young },
    must: 1.5,
    goal: 1.1,
    smaller: true,
  };
}

/** A checkpoint and a commit a table for each record. */
async function lakeOf(commits: number, writer: Parameters<typeof SmallLake.open>[0]): Promise<SmallLake> {
  const folder = await Deno.makeTempDir();
  const clock = new TestClock(Date.now() - 2 * OLD * COMMIT_EVERY_MS);
  const lake = await SmallLake.open(writer, folder, { clock, store: openDiskStore(folder) });
  let some = commits % COMMITS_BETWEEN_COLLECTIONS || COMMITS_BETWEEN_COLLECTIONS;
  for (let done = 0; done < commits; done += some, some = COMMITS_BETWEEN_COLLECTIONS) {
    if (done > 0) await upkeep(lake);
    await lake.append(some);
    await lake.process({ at_once: 1, image_floor_bytes: IMAGE_FLOOR_BYTES });
    await publishEach(lake, some);
  }
  return lake;
}

async function upkeep(lake: SmallLake): Promise<void> {
  await lake.expire({}, {});
  await lake.collector().collect();
}

async function costsOf(lake: SmallLake): Promise<Costs> {
  await lake.append(MORE);
  const decisions: number[] = [];
  const decided = () => void decisions.push(performance.now() / 1000);
  await lake.process({ at_once: 1, image_floor_bytes: IMAGE_FLOOR_BYTES, decided });
  // From one to the next: the first comes with the claim, the second reads what is there.
  const checkpoint = median(decisions.slice(3).map((at, i) => at - decisions[i + 2]));
  const commit = median(await publishEach(lake, MORE));
  const starts: number[] = [];
  // The first makes the tables that are not there yet.
  for (let start = 0; start <= STARTS; start++) starts.push(await secondsToReady(lake.folder));
  return { commit, checkpoint, start: median(starts.slice(1)) };
}

/** Publishes the newest checkpoints, each in a commit of its own a table; the seconds of each in raw.events. */
async function publishEach(lake: SmallLake, checkpoints: number): Promise<number[]> {
  const publisher = lake.publisher();
  const decided = (await publisher.decided()).get(0)!;
  const seconds: number[] = [];
  for (let upTo = decided.length - checkpoints + 1; upTo <= decided.length; upTo++) {
    const some = new Map([[0, decided.slice(0, upTo)]]);
    const [first, ...others] = lake.specs;
    seconds.push(await secondsOf(() => publisher.publish(first, some)));
    for (const spec of others) await publisher.publish(spec, some);
    lake.clock.time += COMMIT_EVERY_MS;
  }
  return seconds;
}

async function secondsToReady(folder: string): Promise<number> {
  const began = performance.now();
  const program = await startProgram({ env: { DATA_DIR: folder, PARTITIONS: "1" } });
  while (!(await fetch(`${program.url}/readyz`).then(isOk))) {
    await new Promise((resolve) => setTimeout(resolve, READY_EVERY_MS));
  }
  const seconds = (performance.now() - began) / 1000;
  await program.kill();
  return seconds;
}

async function isOk(answer: Response): Promise<boolean> {
  await answer.body?.cancel();
  return answer.ok;
}
