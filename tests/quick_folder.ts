/** A temporary folder in memory where the machine has such a place: the disk's patience is not what is tried there. */
export function quickFolder(): Promise<string> {
  return Deno.makeTempDir({ dir: "/dev/shm" }).catch(() => Deno.makeTempDir());
}
