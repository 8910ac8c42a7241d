/** One partition's log with everything that can happen on it: all injections of the generator, every sender, ticks. */
import { Generator } from "../../lib/generator/generator.ts";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";
import { demoRecord } from "../../lib/generator/on_log.ts";
import type { NewRecord } from "../../lib/log/log.ts";
import { controlRecord, fileRecord } from "../../lib/partition/control_record.ts";
import { recordHeaders } from "../../lib/source/record_headers.ts";
import type { Source } from "../../lib/source/source.ts";
import { SENDERS } from "../../lib/source/sources.ts";
import { SHIPPED } from "../shipped_stream.ts";

/** As the shipped files say, with a kind for records that name none. */
const SETTINGS = {
  ...SHIPPED.settings,
  body: { ...SHIPPED.settings.body, kafka_kind: "transaction" },
};

/** A bad day: every injection often enough to come many times among a few thousand events. */
const BAD_DAY = `
users: 40
fraud_share: 0.1
malformed_share: 0.06
duplicate_share: 0.04
late_share: 0.03
out_of_order_share: 0.1
bot_share: 0.2
`;

const START_MS = Date.UTC(2026, 10, 20, 22);
const EVENTS_PER_SECOND = 0.25;
const QUIET_MS = 90_000;
const encoder = new TextEncoder();

/** What every partition begins with. */
export function seedRecords(received_at: number): NewRecord[] {
  return [
    fileRecord("settings", 0, { file: SETTINGS, received_at }),
    fileRecord("rules", 0, { file: SHIPPED.rules, received_at }),
  ];
}

/** The same records for the same seed; about one a sender for every ten of the generator's. */
export function sceneRecords(seed: number, events: number): NewRecord[] {
  const generator = new Generator({
    seed,
    config: readGeneratorFile(BAD_DAY),
    events_per_second: EVENTS_PER_SECOND,
  });
  const to = { partitions: 1, kinds: SHIPPED.kinds, sources: SHIPPED.sources };
  const records = seedRecords(START_MS);
  for (let i = 0; i < events; i++) {
    const now_ms = START_MS + Math.floor(i * 1000 / EVENTS_PER_SECOND);
    records.push(demoRecord(generator.next(now_ms), to, now_ms + (i % 7) * 50));
    if (i % 10 === 0) records.push(...fromSenders(i, now_ms));
    if (i % 500 !== 499) continue;
    for (const after_ms of [5_000, QUIET_MS]) {
      records.push(controlRecord("tick", 0, { body: {}, received_at: now_ms + after_ms }));
    }
  }
  return records;
}

/** One request of a sender in turn, sent twice at times, and at times of a type that no mapping names. */
function fromSenders(i: number, now_ms: number): NewRecord[] {
  const turn = i / 10;
  const source = SENDERS[turn % SENDERS.length];
  const { body, headers } = source.sample(`s${i}`, now_ms);
  const changed = turn % 5 === 1 ? { ...body, ...ODD[turn % ODD.length] } : body;
  const sent = {
    ...headers,
    "webhook-id": `msg_${i}`,
    "webhook-timestamp": String(Math.floor(now_ms / 1000)),
  };
  const first = request(source, changed, { headers: sent, received_at: now_ms });
  const again = request(source, { ...changed, pending_webhooks: 0 }, {
    headers: sent,
    received_at: now_ms + 9_000,
  });
  const foreign = { ...first, headers: {}, value: encoder.encode(JSON.stringify(nameless(i, now_ms))) };
  return [first, ...(turn % 3 === 0 ? [first] : turn % 3 === 1 ? [again] : [foreign])];
}

const ODD: readonly Record<string, unknown>[] = [
  { type: "nothing.known", event: "NothingKnown" },
  { type: "payment_intent.processing", event: "TransactionStateChanged" },
  { type: null, event: null },
  { type: "charge.failed" },
];

/** What another program wrote to the topic, without saying who it is. */
function nameless(i: number, now_ms: number): Record<string, unknown> {
  return {
    event_id: `k${i}`,
    timestamp: now_ms,
    user_id: `kafka_${i % 4}`,
    amount: i + 0.5,
    currency: "eur",
    status: "approved",
  };
}

function request(
  source: Source,
  body: unknown,
  { headers, received_at }: { headers: Record<string, string>; received_at: number },
): NewRecord {
  const sent = new Headers({ "content-type": "application/json", ...headers });
  return {
    partition: 0,
    key: null,
    value: encoder.encode(JSON.stringify(body)),
    headers: recordHeaders(source, sent),
    received_at,
  };
}
