/** How much a log takes at once when nobody says otherwise; the same for both adapters. */

/** Largest record, headers included: a body of 5 MiB fits. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024;

/** Appends that wait or are under way, in one program and topic. */
export const MAX_QUEUE_BYTES = 64 * 1024 * 1024;
