/**
 * Who gets which partitions when owners join and leave, as a pure function of who holds what now.
 *
 *   round 1:  A holds 0 1 2 3, B joins      ─► A 0 1 · B none        (2 and 3 are given to nobody yet)
 *             A lets go of 2 and 3, joins again
 *   round 2:  A holds 0 1                   ─► A 0 1 · B 2 3
 *
 * Nobody is given what another still holds, and nobody loses what balance does not ask for: work goes on on all other
 * partitions meanwhile.
 */

export interface GroupMember {
  id: string;
  /** What it holds and has not let go of. */
  owned: readonly number[];
  /** The generation in which it was given that; of two that claim a partition the later one counts. */
  generation: number;
}

/** What each member has from now on, by its id. Whoever has less than it held lets go and joins again. */
export function planAssignment(
  members: readonly GroupMember[],
  partitions: number,
): Map<string, ReadonlySet<number>> {
  const holder = holders(members, partitions);
  const held = (id: string) => [...holder].filter(([, by]) => by === id).map(([partition]) => partition);
  // Those who hold most get the odd ones, so that fewest change hands.
  const order = [...members].sort((a, b) =>
    held(b.id).length - held(a.id).length || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
  const share = (place: number) =>
    Math.floor(partitions / order.length) + (place < partitions % order.length ? 1 : 0);
  const plan = new Map(
    order.map(({ id }, place) => [id, new Set(held(id).sort((a, b) => a - b).slice(0, share(place)))]),
  );
  const free = Array.from({ length: partitions }, (_, partition) => partition).filter((p) => !holder.has(p));
  order.forEach(({ id }, place) => {
    const mine = plan.get(id)!;
    while (mine.size < share(place) && free.length > 0) mine.add(free.shift()!);
  });
  return plan;
}

function holders(members: readonly GroupMember[], partitions: number): Map<number, string> {
  const holder = new Map<number, string>();
  const byGeneration = [...members].sort((a, b) => a.generation - b.generation || (a.id < b.id ? -1 : 1));
  for (const { id, owned } of byGeneration) {
    for (const partition of owned) if (partition < partitions) holder.set(partition, id);
  }
  return holder;
}
