/** Headers that keep answers to themselves: what may run, who may frame, read, sniff, refer. */

/**
 * The policy of answers that are no page: nothing runs, nothing loads. The page and its workers bring their own, which
 * stands where they are built; the login form's is here.
 */
const NOTHING = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** For a page of ours by itself: one style sheet and at most one script, by their hashes, and forms to us. */
export function formPolicy(style_sha256: string, script_sha256?: string): string {
  const script = script_sha256 === undefined ? "" : `; script-src 'sha256-${script_sha256}'`;
  return `${NOTHING}; style-src 'sha256-${style_sha256}'${script}; form-action 'self'`;
}

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": NOTHING,
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
};
