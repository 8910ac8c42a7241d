/** A partition as it runs with the shipped configuration, fed by hand: for golden cases, faults and benches. */
import { loadConfiguration, resultSettings } from "../lib/configuration.ts";
import { readSettings, type Settings } from "../lib/config.ts";
import { createJudge } from "../lib/event/judge.ts";
import type { LogRecord } from "../lib/log/log.ts";
import { fileRecord } from "../lib/partition/control_record.ts";
import { EventProcessor } from "../lib/partition/event_processor.ts";

/** As `config/` stands there, whatever the environment says. */
export function shippedSettings(): Settings {
  const reading = readSettings({ CONFIG_DIR: new URL("../config", import.meta.url).pathname }, () => "");
  if (!reading.ok) throw new TypeError(`the defaults are refused: ${JSON.stringify(reading)}`);
  return reading.settings;
}

const settings = shippedSettings();
export const SHIPPED = await loadConfiguration(settings);
const judge = createJudge(SHIPPED);

/** An empty processor; nothing is in force before the records of `shippedControls`. */
export function newProcessor(partition = 0): EventProcessor {
  return new EventProcessor({
    partition,
    judge,
    kinds: SHIPPED.kinds,
    sources: SHIPPED.sources,
    defaults: resultSettings(settings),
    observe: { deadLetter() {}, duplicate() {}, late() {}, result() {}, warn() {} },
  });
}

/** The two records with which every partition begins. */
export function shippedControls(received_at: number, partition = 0): LogRecord[] {
  return [
    fileRecord("settings", partition, { file: SHIPPED.settings, received_at }),
    fileRecord("rules", partition, { file: SHIPPED.rules, received_at }),
  ].map((record, offset) => ({ ...record, offset }));
}
