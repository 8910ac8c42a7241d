/** Rules on trial: generated events go through the real judge, deduplication and pipeline, and alerts meet labels. */
import { SegmentWriter } from "../lib/checkpoint/segment.ts";
import { type Configuration, resultSettings } from "../lib/configuration.ts";
import type { Settings } from "../lib/config.ts";
import { createJudge } from "../lib/event/judge.ts";
import { Generator } from "../lib/generator/generator.ts";
import type { GeneratorConfig } from "../lib/generator/generator_file.ts";
import { demoRecord } from "../lib/generator/on_log.ts";
import { Random } from "../lib/generator/random.ts";
import { Scoreboard } from "../lib/generator/score.ts";
import { eventsPerSecond, lastBurstEnd, type Span, spreadTime } from "../lib/generator/spread.ts";
import type { NewRecord } from "../lib/log/log.ts";
import { controlRecord } from "../lib/partition/control_record.ts";
import { EventProcessor } from "../lib/partition/event_processor.ts";
import type { RuleSet } from "../lib/stream/rule_definition.ts";

export interface TrialParts {
  settings: Settings;
  configuration: Configuration;
  generator: GeneratorConfig;
  rules: RuleSet;
  span: Span;
  seed: number;
  onEvent?(): void;
}

export interface Trial {
  scores: Scoreboard;
  /** Of rules in force. */
  alerts: number;
}

/** Rows are not kept; what they would be written into is renewed after so many events. */
const ROWS_KEPT = 2000;

export function tryRules(parts: TrialParts): Trial {
  const { configuration, span, seed } = parts;
  const scores = new Scoreboard();
  let alerts = 0;
  const partitions = newPartitions(parts, (rule, event_id) => {
    alerts++;
    scores.alerted(rule, event_id);
  });
  const generator = new Generator({
    seed,
    config: parts.generator,
    events_per_second: eventsPerSecond(span),
    until_ms: lastBurstEnd(span),
  });
  const to = { partitions: partitions.length, kinds: configuration.kinds, sources: configuration.sources };
  const random = new Random(`times ${seed}`);
  for (let index = 0; index < span.count; index++) {
    const time_ms = spreadTime(span, index, random);
    const generated = generator.next(time_ms);
    for (const label of generated.labels) scores.labelled(label);
    const record = demoRecord(generated, to, time_ms);
    partitions[record.partition].accept(record);
    parts.onEvent?.();
  }
  return { scores, alerts };
}

interface TrialPartition {
  accept(record: NewRecord): void;
}

function newPartitions(
  { settings, configuration, rules, span }: TrialParts,
  onAlert: (rule: string, event_id: string) => void,
): TrialPartition[] {
  const judge = createJudge(configuration);
  // Windows have nothing to say here.
  const controls = [["settings", { ...configuration.settings.body, windows: [] }], ["rules", rules]] as const;
  return Array.from({ length: settings.PARTITIONS }, (_, partition) => {
    const processor = newProcessor({ partition, settings, configuration, judge }, onAlert);
    let segment = new SegmentWriter();
    let offset = 0;
    const accept = (record: NewRecord) => {
      processor.accept({ ...record, offset: offset++ }, segment);
      if (offset % ROWS_KEPT !== 0) return;
      segment = new SegmentWriter();
      processor.takeResults();
    };
    for (const [kind, body] of controls) {
      accept(controlRecord(kind, partition, { body, received_at: span.from_ms }));
    }
    return { accept };
  });
}

function newProcessor(
  { partition, settings, configuration, judge }: {
    partition: number;
    settings: Settings;
    configuration: Configuration;
    judge: ReturnType<typeof createJudge>;
  },
  onAlert: (rule: string, event_id: string) => void,
): EventProcessor {
  const nothing = () => undefined;
  return new EventProcessor({
    partition,
    judge,
    kinds: configuration.kinds,
    sources: configuration.sources,
    defaults: resultSettings(settings),
    observe: {
      deadLetter: nothing,
      duplicate: nothing,
      late: nothing,
      warn(message) {
        throw new TypeError(`the trial was set up wrongly: ${message}`);
      },
      result({ table, row }) {
        if (table === "analytics.alerts") onAlert(String(row.rule), String(row.event_id));
      },
    },
  });
}
