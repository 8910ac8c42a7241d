/**
 * Tells of ids that a partition had to forget within their window, because there were more than it may remember: copies
 * of those events are new rows from then on.
 */

export interface ForgottenIdsTeller {
  /** Adds to the counter of such ids. */
  count(partition: number, ids: number): void;
  warn(message: string, facts: { partition: number; ids: number }): void;
}

const WARNING = "ids were forgotten before their time, so that duplicates may come in: raise DEDUP_MAX_IDS";

/** Hears how many there were ever, as often as it likes; counts what came to it, and warns when it doubled. */
export function forgottenIds(teller: ForgottenIdsTeller): (partition: number, ever: number) => void {
  const told = new Map<number, { counted: number; warned: number }>();
  return (partition, ever) => {
    const { counted, warned } = told.get(partition) ?? { counted: 0, warned: 0 };
    if (ever > counted) teller.count(partition, ever - counted);
    const isNews = ever > 0 && ever >= 2 * warned;
    if (isNews) teller.warn(WARNING, { partition, ids: ever });
    told.set(partition, { counted: Math.max(counted, ever), warned: isNews ? ever : warned });
  };
}
