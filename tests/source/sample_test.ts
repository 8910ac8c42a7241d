import { strictEqual } from "node:assert/strict";
import { createJudge } from "../../lib/event/judge.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { recordHeaders } from "../../lib/source/record_headers.ts";
import { sampleRequest } from "../../lib/source/sample.ts";
import { createSources } from "../../lib/source/sources.ts";

const NOW_MS = 1_769_851_800_123;
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const sources = createSources();
const { judge } = createJudge({ kinds: kindsOf(), sources });

Deno.test("sampleRequest of every sender verifies, and is a row or is kept unmapped", () => {
  for (const source of sources.senders) {
    const signs = sources.hook(source.name) !== null;
    const sample = sampleRequest(source, { secret: signs ? SECRET : null, now_ms: NOW_MS, id: "abc" });
    if (!sample) throw new Error(`no sample of ${source.name}`);
    const headers = new Headers(sample.headers);
    const secrets = [{ secret: SECRET, until_ms: null }];
    strictEqual(source.verify({ headers, body: sample.body, now_ms: NOW_MS }, secrets), signs, source.name);
    const judgement = judge({
      partition: 0,
      offset: 0,
      key: null,
      value: sample.body,
      headers: recordHeaders(source, headers),
      received_at: NOW_MS,
    });
    strictEqual(
      judgement.verdict,
      source.is_mapped ? "row" : "unmapped",
      `${source.name} ${JSON.stringify(judgement)}`,
    );
  }
});

Deno.test("sampleRequest signs a body of one's own, and says when a secret cannot sign", () => {
  const [stripe] = sources.senders;
  const body = new TextEncoder().encode("anything");
  const sample = sampleRequest(stripe, { secret: SECRET, now_ms: NOW_MS, id: "abc", body });
  strictEqual(sample?.body, body);
  const standard = sources.of("standard_webhooks");
  strictEqual(sampleRequest(standard, { secret: "no base64!", now_ms: NOW_MS, id: "abc" }), null);
});
