/**
 * The generator: one event after the other, as a shop's systems would send them, from a seed and nothing else.
 *
 *   planned and due? ─► the next event of a burst
 *   credit for fraud? ─► plan a burst          (its first event comes with the next call)
 *   else by share    ─► malformed | sent twice | fresh, perhaps late or out of order
 *
 * Whoever asks says what time it is; rate and clock are their business (pacing.ts, spread.ts). The same seed, file and
 * times give the same bytes.
 */
import { activity, call, reading, statusChange } from "./background.ts";
import { type Customer, customerOf } from "./customer.ts";
import { broken, conflicting, DEFECT_NAMES } from "./defect.ts";
import { isQuiet, type PatternName, PATTERNS, type PlannedEvent } from "./fraud_pattern.ts";
import { type Body, encoded, type Generated, Ids, type Label } from "./generated.ts";
import type { GeneratorConfig } from "./generator_file.ts";
import { Population } from "./population.ts";
import { purchase } from "./purchase.ts";
import { Random } from "./random.ts";
import { Schedule } from "./schedule.ts";
import { type Payment, peopleFor, Till } from "./till.ts";
import { botClick, Visits } from "./visit.ts";

export interface GeneratorOptions {
  seed: string | number;
  config: GeneratorConfig;
  /** How many events come in a second of event time; decides how many people there must be. */
  events_per_second: number;
  /** No burst begins that would not be over by then. */
  until_ms?: number;
}

type KindName = keyof GeneratorConfig["weights"];

interface Planned extends PlannedEvent {
  /** Null for people that are not counted. */
  number: number | null;
  pattern: string;
  burst_id: string | null;
}

/** What may be sent again, or be spoken of. */
const RECENT = 64;
/** What fraud could not make up for by then is forgotten, so that no flood follows. */
const MOST_CREDIT = 100;
/** Share of the conflicting ones among malformed events. */
const CONFLICT_SHARE = 1 / (DEFECT_NAMES.length + 1);
const MINUTE_MS = 60_000;

export class Generator {
  readonly #random: Random;
  readonly #ids: Ids;
  readonly #population: Population;
  readonly #till: Till;
  readonly #visits = new Visits();
  readonly #schedule = new Schedule<Planned>();
  readonly #recent: Generated[] = [];
  readonly #payments: Payment[] = [];
  #config: GeneratorConfig;
  #events_per_second: number;
  /** Events that fraud may still make up for. */
  #credit = 0;
  #upcoming: PatternName | null = null;

  constructor(private readonly options: GeneratorOptions) {
    const { seed, config, events_per_second } = options;
    this.#random = new Random(`generator ${seed}`);
    this.#ids = new Ids(new Random(`run ${seed}`).bits().toString(36));
    this.#config = config;
    this.#events_per_second = events_per_second;
    this.#population = new Population(peopleFor(config, events_per_second));
    this.#till = new Till({
      random: this.#random,
      ids: this.#ids,
      population: this.#population,
      refund: (time_ms, body) =>
        this.#schedule.add({ time_ms, body, rules: [], number: null, pattern: "refund", burst_id: null }),
    });
  }

  /** Goes on with another configuration or rate; people and bursts under way stay. */
  configure(config: GeneratorConfig, events_per_second: number): void {
    this.#config = config;
    this.#events_per_second = events_per_second;
    this.#population.grow(peopleFor(config, events_per_second));
  }

  /** The next event, when it is `time_ms`. Times must not go back. */
  next(time_ms: number): Generated {
    const due = this.#schedule.due(time_ms);
    if (due !== null) return this.#planned(due);
    this.#credit = Math.min(MOST_CREDIT, this.#credit + this.#config.fraud_share);
    if (this.#credit >= 1 && this.#config.fraud_share > 0) this.#begin(time_ms);
    const { malformed_share, duplicate_share } = this.#config;
    if (this.#random.chance(malformed_share)) return this.#malformed(time_ms);
    if (this.#random.chance(duplicate_share) && this.#recent.length > 0) return this.#again();
    return this.#fresh(time_ms);
  }

  #customer(number: number): Customer {
    return customerOf(number, this.#config.merchants);
  }

  /** Plans a burst when a victim is found for it; else another pattern is tried at the next event. */
  #begin(time_ms: number): void {
    const name = this.#upcoming ??= this.#random.weighted(this.#config.patterns);
    if (name === null) return;
    this.#upcoming = null;
    if (name === "night" && !isQuiet(time_ms)) return;
    const pattern = PATTERNS[name];
    const number = this.#population.victim(this.#random, time_ms, pattern.wanted);
    if (number === null) return;
    const customer = this.#customer(number);
    const { merchants } = this.#config;
    const events = pattern.plan({
      random: this.#random,
      ids: this.#ids,
      merchants,
      customer,
      count: this.#population.purchases(number),
      start_ms: time_ms + 1,
    });
    const end_ms = events[events.length - 1].time_ms;
    if (end_ms > (this.options.until_ms ?? Infinity)) return;
    this.#credit -= events.length;
    this.#population.reserve(number, end_ms, pattern.tampers);
    const burst_id = this.#ids.next("burst");
    for (const event of events) this.#schedule.add({ ...event, number, pattern: name, burst_id });
  }

  #planned({ body, time_ms, rules, number, pattern, burst_id }: Planned): Generated {
    const event_id = String(body.event_id);
    if (number !== null) this.#population.bought(number, time_ms);
    const labels = rules.map((rule) => ({ event_id, pattern, rule, burst_id }));
    return this.#given("transaction", body, { time_ms, labels });
  }

  #given(kind: string, body: Body, { time_ms, labels }: { time_ms: number; labels: Label[] }): Generated {
    const event_id = String(body.event_id);
    const generated = { kind, value: encoded(body), event_id, event_time_ms: time_ms, labels };
    remember(this.#recent, generated);
    return generated;
  }

  #fresh(now_ms: number): Generated {
    const random = this.#random;
    const kind = this.#kind(now_ms);
    const event_id = this.#ids.next("evt");
    const labels: Label[] = [];
    let time_ms = now_ms;
    const note = (pattern: string) => labels.push({ event_id, pattern, rule: null, burst_id: null });
    if (random.chance(this.#config.late_share)) {
      time_ms -= random.whole(75 * MINUTE_MS, 240 * MINUTE_MS);
      note("late");
    } else if (random.chance(this.#config.out_of_order_share)) {
      // Less than anybody's pause between purchases, so that order changes and habits do not.
      time_ms -= random.chance(0.9) ? random.whole(300, 8000) : random.whole(10_000, 100_000);
      note("out_of_order");
    }
    if (kind === "clickstream" && random.chance(this.#config.bot_share)) {
      note("bot");
      return this.#given(kind, botClick(event_id, time_ms, { random, ...this.#config }), { time_ms, labels });
    }
    return this.#given(kind, this.#body(kind, event_id, { now_ms, time_ms }), { time_ms, labels });
  }

  /** Few buy while they sleep. */
  #kind(now_ms: number): KindName {
    const { weights, night_share } = this.#config;
    const quiet = isQuiet(now_ms) ? { ...weights, transaction: weights.transaction * night_share } : weights;
    return this.#random.weighted(quiet) ?? "transaction";
  }

  #body(kind: KindName, event_id: string, at: { now_ms: number; time_ms: number }): Body {
    const random = this.#random;
    const happening = { event_id, time_ms: at.time_ms };
    const anyone = () => this.#customer(this.#population.anyone(random));
    switch (kind) {
      case "transaction":
        return this.#sale(event_id, at);
      case "clickstream":
        return this.#visits.click(event_id, at.time_ms, {
          random,
          ids: this.#ids,
          products: this.#config.products,
          visits: Math.min(2000, Math.max(3, Math.ceil(this.#events_per_second * 30))),
          visitor: anyone,
        });
      case "user_activity":
        return activity(anyone(), happening, random);
      case "api_call":
        return call(anyone(), happening, random);
      case "sensor_reading":
        return reading(random.below(this.#config.devices), happening, random);
      case "transaction_status": {
        const payment = this.#payments.length > 0 ? random.pick(this.#payments) : null;
        const unknown = {
          transaction_id: this.#ids.next("txn"),
          user_id: anyone().user_id,
          status: "pending",
        };
        return statusChange(payment ?? unknown, happening, random);
      }
    }
  }

  #sale(event_id: string, at: { now_ms: number; time_ms: number }): Body {
    const { body, payment } = this.#till.sell({ event_id, ...at }, this.#config, this.#events_per_second);
    remember(this.#payments, payment);
    return body;
  }

  /** A copy of an earlier record, byte by byte. */
  #again(): Generated {
    const copy = this.#random.pick(this.#recent);
    const { event_id } = copy;
    return { ...copy, labels: [{ event_id, pattern: "duplicate", rule: null, burst_id: null }] };
  }

  #malformed(time_ms: number): Generated {
    const random = this.#random;
    const label = (event_id: string | null, pattern: string): Label[] => [
      { event_id, pattern, rule: null, burst_id: null },
    ];
    if (this.#recent.length > 0 && random.chance(CONFLICT_SHARE)) {
      const earlier = random.pick(this.#recent);
      const body: Body = JSON.parse(new TextDecoder().decode(earlier.value));
      return {
        ...earlier,
        value: encoded(conflicting(body, random)),
        labels: label(earlier.event_id, "id_conflict"),
      };
    }
    const defect = random.pick(DEFECT_NAMES);
    const occasion = {
      event_id: this.#ids.next("evt"),
      transaction_id: this.#ids.next("txn"),
      time_ms,
      count: 0,
    };
    const customer = this.#customer(random.bits());
    const body = {
      ...purchase(customer, occasion, { random, ...this.#config }),
      user_id: this.#ids.next("guest"),
    };
    const { value, event_id } = broken(defect, body);
    return { kind: "transaction", value, event_id, event_time_ms: time_ms, labels: label(event_id, defect) };
  }
}

function remember<T>(recent: T[], one: T): void {
  recent.push(one);
  if (recent.length > RECENT) recent.shift();
}
