/** Names of everything that a partition's owner writes into the store. */

const DIGITS = 20;

const padded = (n: number) => String(n).padStart(DIGITS, "0");

export const CHECKPOINTS = "checkpoints/";
export const SEGMENTS = "segments/";
export const IMAGES = "state/";

export function checkpointPrefix(partition: number): string {
  return `${CHECKPOINTS}${partition}/`;
}

export function checkpointKey(partition: number, number: number): string {
  return `${checkpointPrefix(partition)}${padded(number)}.json`;
}

/** The number in a checkpoint's key, null for anything else that lies there. */
export function checkpointNumber(key: string): number | null {
  const match = /\/(\d{20})\.json$/.exec(key);
  return match ? Number(match[1]) : null;
}

export function segmentPrefix(partition: number): string {
  return `${SEGMENTS}${partition}/`;
}

export function imagePrefix(partition: number): string {
  return `${IMAGES}${partition}/`;
}

export interface SegmentName {
  partition: number;
  first_offset: number;
  /** The last offset inside, so next offset - 1. */
  last_offset: number;
  epoch: number;
  uuid: string;
}

export function segmentKey(name: SegmentName): string {
  const range = `${padded(name.first_offset)}-${padded(name.last_offset)}`;
  return `${segmentPrefix(name.partition)}${range}-e${name.epoch}-${name.uuid}`;
}

export function parseSegmentKey(key: string): SegmentName | null {
  const match = /^segments\/(\d+)\/(\d{20})-(\d{20})-e(\d+)-([0-9a-f-]+)$/.exec(key);
  if (!match) return null;
  const [, partition, first_offset, last_offset, epoch] = match.map(Number);
  return { partition, first_offset, last_offset, epoch, uuid: match[5] };
}

export function imageKey(partition: number, number: number, uuid: string): string {
  return `${imagePrefix(partition)}${padded(number)}-${uuid}`;
}

/** The partition and checkpoint number that a state image was made for. */
export function parseImageKey(key: string): { partition: number; number: number } | null {
  const match = /^state\/(\d+)\/(\d{20})-[0-9a-f-]+$/.exec(key);
  return match ? { partition: Number(match[1]), number: Number(match[2]) } : null;
}
