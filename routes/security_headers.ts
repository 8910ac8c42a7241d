/** Headers that keep pages and answers to themselves: content policy, framing, sniffing, referrers. */

/**
 * The policy of every answer. It counts on the worker script's own answer too: the SQL engine in the page can reach us
 * and the store that data files are redirected to, and nobody else.
 */
export function contentPolicy(storeOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    // The editor writes its styles into the page.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "worker-src 'self'",
    `connect-src ${["'self'", ...storeOrigins].join(" ")}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export function securityHeaders(storeOrigins: readonly string[]): Readonly<Record<string, string>> {
  return {
    "content-security-policy": contentPolicy(storeOrigins),
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
  };
}
