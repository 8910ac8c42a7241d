/** From the door to the row: what a sender sends again, in whatever way, is one row. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { sampleRequest } from "../../lib/source/sample.ts";
import { createSources } from "../../lib/source/sources.ts";
import { direct } from "../recomputation/replay.ts";
import { seedRecords } from "../recomputation/scene.ts";
import { handClock, testApp } from "../routes/test_app.ts";

const SECRETS = {
  STRIPE_WEBHOOK_SECRET: "whsec_of_the_replay",
  GITHUB_WEBHOOK_SECRET: "github secret",
  SHOPIFY_WEBHOOK_SECRET: "shopify secret",
};
const sources = createSources();

/** The door at a time that stands still, and what came of its records. */
function door() {
  const clock = handClock();
  const test = testApp(SECRETS, { clock, partitions: 1 });
  return {
    clock,
    signed(source: keyof typeof secretOf, id: string) {
      return sampleRequest(sources.of(source), { secret: secretOf[source], now_ms: clock.now(), id })!;
    },
    async send(source: string, { headers, body }: { headers: Record<string, string>; body: Uint8Array }) {
      const answer = await test.app.request(`/hooks/${source}`, {
        method: "POST",
        headers,
        body: body.slice(),
      });
      strictEqual(answer.status, 202);
      return await answer.json();
    },
    async outcomes(): Promise<string[]> {
      const raw = (await direct([...seedRecords(0), ...test.records])).get("raw.events")!;
      const outcomes: string[] = raw.trimEnd().split("\n").map((line) => JSON.parse(line).outcome);
      return outcomes.filter((outcome) => outcome !== "control");
    },
  };
}

const secretOf = {
  stripe: SECRETS.STRIPE_WEBHOOK_SECRET,
  github: SECRETS.GITHUB_WEBHOOK_SECRET,
  shopify: SECRETS.SHOPIFY_WEBHOOK_SECRET,
};

Deno.test("an exact replay within the window is acknowledged as a duplicate, and is no second row", async () => {
  const { signed, send, clock, outcomes } = door();
  const request = signed("stripe", "1");
  deepStrictEqual(await send("stripe", request), { id: "evt_1" });
  clock.advance(299_000);
  deepStrictEqual(await send("stripe", request), { id: "evt_1", duplicate: true });
  deepStrictEqual(await outcomes(), ["row", "duplicate"]);
});

Deno.test("a webhook signed anew for the same event is one row, however Stripe counts its tries", async () => {
  const { signed, send, clock, outcomes } = door();
  const first = signed("stripe", "1");
  await send("stripe", first);
  clock.advance(3_600_000);
  const body = new TextEncoder().encode(
    new TextDecoder().decode(first.body).replace('"pending_webhooks":1', '"pending_webhooks":0'),
  );
  const again = sampleRequest(sources.of("stripe"), {
    secret: secretOf.stripe,
    now_ms: clock.now(),
    id: "1",
    body,
  })!;
  deepStrictEqual(await send("stripe", again), { id: "evt_1", duplicate: true });
  deepStrictEqual(await outcomes(), ["row", "duplicate"]);
});

for (const source of ["github", "shopify"] as const) {
  Deno.test(`a replay of ${source} after an hour is acknowledged under the same id as a duplicate`, async () => {
    const { signed, send, clock, outcomes } = door();
    const request = signed(source, "1");
    const { id } = await send(source, request);
    clock.advance(3_600_000);
    // The delivery's name is not signed: another one does not make it another event.
    const headers = { ...request.headers, "x-github-delivery": "another", "x-shopify-webhook-id": "another" };
    deepStrictEqual(await send(source, { ...request, headers }), { id, duplicate: true });
    deepStrictEqual(await outcomes(), ["unmapped", "unmapped"]);
  });
}
