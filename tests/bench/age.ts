/** What a lake of 1,000 commits costs against one of 10: a commit, a checkpoint, a start. Nothing may grow with age. */
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { SmallLake, TestClock, withWriter } from "../lake/small_lake.ts";
import { startProgram } from "../program.ts";
import { type Bench, type Figure, median } from "./bench.ts";
import { secondsOf } from "./compaction_table.ts";

const YOUNG = 10;
const OLD = 1_000;
const MORE = 20;
/** The program's own pace: the snapshots that time travel keeps are thinned as they are in life. Nothing is collected. */
const COMMIT_EVERY_MS = 5_000;
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

/** A checkpoint and a commit for each record. */
async function lakeOf(commits: number, writer: Parameters<typeof SmallLake.open>[0]): Promise<SmallLake> {
  const folder = await Deno.makeTempDir();
  const clock = new TestClock(Date.now() - 2 * OLD * COMMIT_EVERY_MS);
  const lake = await SmallLake.open(writer, folder, { clock, store: openDiskStore(folder) });
  for (let done = 0; done < commits; done++) {
    await lake.append(1);
    clock.time += COMMIT_EVERY_MS;
  }
  await lake.process({ at_once: 1 });
  await publishEach(lake, commits);
  return lake;
}

async function costsOf(lake: SmallLake): Promise<Costs> {
  await lake.append(MORE);
  const decisions: number[] = [];
  await lake.process({ at_once: 1, decided: () => void decisions.push(performance.now() / 1000) });
  // From one to the next: the first comes with the claim, the second reads what is there.
  const checkpoint = median(decisions.slice(3).map((at, i) => at - decisions[i + 2]));
  const commit = median(await publishEach(lake, MORE));
  const starts: number[] = [];
  // The first makes the tables that are not there yet.
  for (let start = 0; start <= STARTS; start++) starts.push(await secondsToReady(lake.folder));
  return { commit, checkpoint, start: median(starts.slice(1)) };
}

/** Publishes the newest checkpoints into raw.events, each in a commit of its own; the seconds of each. */
async function publishEach(lake: SmallLake, checkpoints: number): Promise<number[]> {
  const publisher = lake.publisher();
  const decided = (await publisher.decided()).get(0)!;
  const seconds: number[] = [];
  for (let upTo = decided.length - checkpoints + 1; upTo <= decided.length; upTo++) {
    const some = new Map([[0, decided.slice(0, upTo)]]);
    seconds.push(await secondsOf(() => publisher.publish(lake.specs[0], some)));
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
