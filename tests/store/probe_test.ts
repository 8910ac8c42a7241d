/** The probe believes honest stores, and refuses those that let several win. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import type { Created, ObjectStore } from "../../lib/store/object_store.ts";
import { probeStore } from "../../lib/store/probe.ts";
import { FaultPlan } from "../faults/fault_plan.ts";
import { faultyStore } from "../faults/faulty_store.ts";
import { openTempDiskStore } from "./temp_disk_store.ts";

async function withStore(check: (store: ObjectStore) => Promise<void>): Promise<void> {
  await using opened = await openTempDiskStore();
  await check(opened.store);
  assert.deepEqual(await Array.fromAsync(opened.store.list("")), [], "the probe left something behind");
}

/** The store with another `create`. */
function lying(store: ObjectStore, create: (key: string, body: Uint8Array) => Promise<Created>): ObjectStore {
  return { ...faultyStore(store, FaultPlan.none()), create };
}

async function assertRefused(store: ObjectStore, state: RegExp): Promise<void> {
  await assert.rejects(probeStore(store), (fault) => {
    assert.ok(fault instanceof Fault);
    assert.match(fault.message, state);
    assert.deepEqual([fault.code, fault.blame, fault.retry], ["store_lies", "dependency", "never"]);
    return true;
  });
}

Deno.test("`probeStore` believes the disk, also several at once", async () => {
  await withStore(async (store) => {
    await Promise.all([probeStore(store), probeStore(store), probeStore(store)]);
  });
});

Deno.test("`probeStore` believes a store whose winner did not hear its answer", async () => {
  for (let call = 1; call <= 32; call++) {
    await withStore(async (store) => {
      await probeStore(faultyStore(store, FaultPlan.at(call, "fail_after")));
    });
  }
});

Deno.test("`probeStore` says why nothing could be created, not that nothing could be deleted", async () => {
  await withStore(async (store) => {
    const refusing = (what: string) => () => Promise.reject(new Error(`Cannot ${what}: 403`));
    const closed = { ...lying(store, refusing("create")), delete: refusing("delete") };
    await assert.rejects(probeStore(closed), /^Error: Cannot create: 403$/);
  });
});

Deno.test("`probeStore` refuses a store that ignores the condition", async () => {
  await withStore(async (store) => {
    await assertRefused(
      lying(store, async (key, body) => {
        await store.putHint(key, body);
        return "created";
      }),
      /32 of 32 callers created the same object/,
    );
  });
});

Deno.test("`probeStore` refuses a store that looks first and writes then", async () => {
  await withStore(async (store) => {
    await assertRefused(
      lying(store, async (key, body) => {
        if (await store.head(key)) return "taken";
        await store.putHint(key, body);
        return "created";
      }),
      /callers created the same object/,
    );
  });
});

Deno.test("`probeStore` refuses a store that says taken and writes all the same", async () => {
  await withStore(async (store) => {
    await assertRefused(
      lying(store, async (key, body) => {
        const answer = await store.create(key, body);
        if (answer === "taken") await store.putHint(key, body);
        return answer;
      }),
      /not that of the caller|was changed/,
    );
  });
});

Deno.test("`probeStore` refuses a store that never lets anybody win, or keeps nothing", async () => {
  await withStore(async (store) => {
    await assertRefused(lying(store, () => Promise.resolve("taken")), /is not there/);
    let first = true;
    const forgetful = () => {
      const answer = first ? "created" : "taken";
      first = false;
      return Promise.resolve<Created>(answer);
    };
    await assertRefused(lying(store, forgetful), /is not there/);
  });
});

Deno.test("`probeStore` refuses a store that tells the wrong caller that it won", async () => {
  await withStore(async (store) => {
    let calls = 0;
    // One after the other: the first one wins.
    let before: Promise<unknown> = Promise.resolve();
    const swapped = async (key: string, body: Uint8Array): Promise<Created> => {
      const call = ++calls;
      await (before = before.then(() => store.create(key, body)));
      return call === 2 ? "created" : "taken";
    };
    await assertRefused(lying(store, swapped), /not that of the caller/);
  });
});
