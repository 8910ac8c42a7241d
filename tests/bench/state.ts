/** A million users with all shipped rules and windows in one worker: memory, and checkpoints of which 1 % changed. */
import type { Bench } from "./bench.ts";

interface Measured {
  rss_bytes: number;
  loaded_bytes: number;
  peak_bytes: number;
  cut_ms: number;
  image_ms: number;
}

const GIGABYTE = 1e9;
/** As compose.yaml gives the role process. */
const HEAP = "--v8-flags=--heap-growing-percent=30";

export const stateBench: Bench = {
  name: "state",
  async run() {
    const { rss_bytes, loaded_bytes, peak_bytes, cut_ms, image_ms } = await measured();
    return [
      {
        what: "1 M users in memory, 15 s after the last",
        value: rss_bytes / GIGABYTE,
        unit: "GB",
        must: 2,
        goal: 1,
        smaller: true,
      },
      { what: "the moment they had come at full speed", value: loaded_bytes / GIGABYTE, unit: "GB" },
      { what: "the most it ever held", value: peak_bytes / GIGABYTE, unit: "GB" },
      { what: "checkpoint, 1 % changed", value: cut_ms / 1000, unit: "s", must: 1, goal: 0.3, smaller: true },
      { what: "the longest checkpoint with a full image", value: image_ms / 1000, unit: "s" },
    ];
  },
};

/** In a process of its own, so that nothing else is counted. */
async function measured(): Promise<Measured> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", HEAP, new URL("./state_process.ts", import.meta.url).pathname],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("the measured process failed");
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}
