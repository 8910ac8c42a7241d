/** Ten million remembered ids in one partition, claimed one by one: the memory that they take. */
import type { Bench } from "./bench.ts";

interface Measured {
  resident_bytes: number;
  held_bytes: number;
  per_second: number;
}

const MB = 1e6;
const BOUNDS = { unit: "MB", must: 300, goal: 240, smaller: true };

export const dedupBench: Bench = {
  name: "dedup",
  async run() {
    const { resident_bytes, held_bytes, per_second } = await measured();
    return [
      { what: "memory of 10 million ids, resident, at its highest", value: resident_bytes / MB, ...BOUNDS },
      { what: "of which held for them", value: held_bytes / MB, ...BOUNDS },
      { what: "claims", value: per_second, unit: "ids/s" },
    ];
  },
};

/** In a process of its own with little room for young garbage, which is the program's and not the ids'. */
async function measured(): Promise<Measured> {
  const script = new URL("./dedup_process.ts", import.meta.url).pathname;
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--max-semi-space-size=4", script],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("the measured process failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}
