/** A restore waits for many segments at once, and takes them in in order. */
import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { restoreState } from "../../lib/checkpoint/restore.ts";
import { decompressed, readSegmentIndex, readStateParts } from "../../lib/checkpoint/segment.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { newProcessor, SmallLake, withWriter } from "../lake/small_lake.ts";

const CHECKPOINTS = 20;
const NO_IMAGE = 1e12;

/** A store whose reads take a turn; `most` of them were under way at once. */
function slow(store: ObjectStore): { store: ObjectStore; most: () => number } {
  let [now, most] = [0, 0];
  const read: ObjectStore["read"] = async (...args) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve));
    now--;
    return await store.read(...args);
  };
  const proxy = new Proxy(store, {
    get(target, property) {
      if (property === "read") return read;
      const value = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { store: proxy, most: () => most };
}

async function chainOf(lake: SmallLake) {
  await lake.append(CHECKPOINTS);
  await lake.process({ at_once: 1, image_floor_bytes: NO_IMAGE });
  const chain = lake.chains().get(0)!;
  return { chain, newest: (await chain.head()).checkpoint! };
}

function withLake(use: (lake: SmallLake) => Promise<void>): Promise<void> {
  return withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await use(lake);
  });
}

/** Name and bytes of every change, as a receiver is given them. */
async function changesOf(restore: (give: (name: string, bytes: Uint8Array) => void) => Promise<void>) {
  const changes: string[] = [];
  await restore((name, bytes) => void changes.push(`${name} ${bytes.toHex()}`));
  return changes;
}

Deno.test("restoreState fetches segments ahead and gives their changes in order", () =>
  withLake(async (lake) => {
    const { newest } = await chainOf(lake);
    const { stateNames } = newProcessor(0);
    const hands = slow(lake.store);
    const given = await changesOf((change) =>
      restoreState(lake.chains(hands).get(0)!, newest, stateNames, {
        image: () => undefined,
        change,
      })
    );
    const chain = lake.chains().get(0)!;
    const one_by_one = await changesOf(async (change) => {
      for (const number of await chain.numbers()) {
        const segment = (await chain.read(number))?.segment;
        if (!segment) continue;
        const index = (await readSegmentIndex(lake.store, segment))!;
        for (const name of stateNames) {
          const parts = (await readStateParts(lake.store, segment.key, index, name))!;
          for (const bytes of decompressed(parts)) change(name, bytes);
        }
      }
    });
    ok(one_by_one.length >= CHECKPOINTS);
    deepStrictEqual(given, one_by_one);
    ok(hands.most() >= 4, `${hands.most()} reads under way`);
  }));

Deno.test("restoreState says which segment is gone, whatever is fetched beside it", () =>
  withLake(async (lake) => {
    const { chain, newest } = await chainOf(lake);
    const numbers = await chain.numbers();
    for (const number of numbers.slice(-6, -2)) {
      await lake.store.delete([(await chain.read(number))!.segment!.key]);
    }
    const processor = newProcessor(0);
    await rejects(restoreState(chain, newest, processor.stateNames, processor), {
      code: "state_lost",
      message: /^Cannot restore partition 0: segments\/0\/.* is gone$/,
    });
  }));
