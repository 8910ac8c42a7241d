/** Log lines are one line each, hold what was said, and never a secret. */
import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import fc from "fast-check";
import { type LogLine, type LogLineOptions, logLines, logListening } from "../../lib/observe/log_line.ts";
import { scrubber } from "../../lib/observe/scrub.ts";

function recorded(options: Partial<LogLineOptions> = {}): { log: LogLine; lines: string[] } {
  const lines: string[] = [];
  const log = logLines({
    level: "info",
    format: "json",
    clock: { now: () => 1_700_000_000_000 },
    scrub: scrubber(["hunter2hunter2"]),
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines };
}

Deno.test("logLines writes one JSON object a line with time, level and msg", () => {
  const { log, lines } = recorded();
  log.warn("two\nlines", { partition: 3, when: new Date(0), big: 2n ** 60n, absent: undefined });
  deepEqual(JSON.parse(lines[0]), {
    time: "2023-11-14T22:13:20.000Z",
    level: "warn",
    msg: "two\nlines",
    partition: 3,
    when: "1970-01-01T00:00:00.000Z",
    big: "1152921504606846976",
  });
});

Deno.test("logLines leaves out what is below its level", () => {
  const { log, lines } = recorded({ level: "warn" });
  log.info("no");
  log.debug("no");
  log.error("yes");
  equal(lines.length, 1);
});

Deno.test("logLines keeps a text line one line", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (msg, value) => {
    const { log, lines } = recorded({ format: "text" });
    log.info(msg, { value });
    doesNotMatch(lines[0], /[\n\r\u2028]/);
  }));
});

Deno.test("logLines keeps an over-long line valid JSON", () => {
  const { log, lines } = recorded();
  log.info("long", { body: "x".repeat(100_000) });
  equal(JSON.parse(lines[0]).msg, "long");
  equal(lines[0].length < 20_000, true);
});

Deno.test("logLines hides secrets by value, by name and by form", () => {
  const { log, lines } = recorded();
  log.error("S3 said hunter2hunter2 at http://u:pass@host/x?X-Amz-Signature=abcdef", {
    headers: { Authorization: "Bearer abcdefgh", cookie: "a=b", nested: { api_key: "k" } },
    url: "https://store/x?X-Amz-Credential=AKIA%2Fz&n=1",
    cause: new Error("got whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    webhook_secret: "s",
  });
  for (const hidden of [/hunter2/, /u:pass@/, /abcdef/, /AKIA/, /MfKQ/, /"k"/, /a=b/, /"s"/]) {
    doesNotMatch(lines[0], hidden);
  }
  match(lines[0], /n=1/);
});

Deno.test("scrubber hides a secret with quotes also inside JSON and inside an address", () => {
  const scrub = scrubber(['q"uo\\te/x y']);
  doesNotMatch(scrub(JSON.stringify({ a: 'q"uo\\te/x y' })), /uo/);
  doesNotMatch(scrub(`http://h/?k=${encodeURIComponent('q"uo\\te/x y')}`), /uo/);
});

Deno.test("logListening says url, role and pid under the message listening", () => {
  const { log, lines } = recorded();
  logListening(log, { url: "http://127.0.0.1:8000", role: "all", pid: 7 });
  const { msg, url, role, pid } = JSON.parse(lines[0]);
  deepEqual({ msg, url, role, pid }, {
    msg: "listening",
    url: "http://127.0.0.1:8000",
    role: "all",
    pid: 7,
  });
});
