/** A name for each request, in its answer and in the log line about it. */

const PREFIX = crypto.randomUUID().slice(0, 8);
let last = 0;

/** Unique over processes by its random beginning, cheap because the rest is counted. */
export function nextRequestId(): string {
  return `${PREFIX}-${(++last).toString(36)}`;
}

export const REQUEST_ID = "x-request-id";
