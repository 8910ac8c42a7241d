/** The rules file as the API needs it: read, refused or written, and tried on the last hours. */
import {
  configText,
  type Configuration,
  readWithAdded,
  resultSettings,
  rulesControl,
} from "../lib/configuration.ts";
import type { Settings } from "../lib/config.ts";
import type { Clock } from "../lib/clock.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import type { ColumnChange } from "../lib/event/column_change.ts";
import { createJudge } from "../lib/event/judge.ts";
import type { Kinds } from "../lib/event/kinds.ts";
import type { Catalog } from "../lib/iceberg/catalog.ts";
import { addedIn, changesOf } from "../lib/lake/evolution.ts";
import { tryRules } from "../lib/lake/rule_trial.ts";
import { NO_RULES } from "../lib/stream/rule_definition.ts";
import type { LakeQuery } from "../routes/query.ts";
import type { RulesFile } from "../routes/rules.ts";

/** Events that a trial looks at, at most. */
const TRIAL_EVENTS = 200_000;

export interface RulesServiceParts {
  settings: Settings;
  configuration: Configuration;
  catalog: Catalog;
  query: LakeQuery | undefined;
  clock: Clock;
}

export function rulesService(
  { settings, configuration, catalog, query, clock }: RulesServiceParts,
): RulesFile {
  const path = `${settings.CONFIG_DIR}/rules.yaml`;
  const { kinds } = configuration;
  const parse = (text: string) =>
    readWithAdded(kinds, addedIn(catalog), (kinds) => rulesControl(text, kinds));
  return {
    parse,
    async read() {
      try {
        const text = await configText(path) ?? NO_RULES;
        return { text, problem: await parse(text).then(() => null, refusalOf) };
      } catch (error) {
        return { text: null, problem: refusalOf(error) };
      }
    },
    async write(text) {
      // Whole or not at all: the process workers read the file at any moment.
      const temporary = `${path}.${crypto.randomUUID()}.tmp`;
      await Deno.writeTextFile(temporary, text);
      await Deno.rename(temporary, path);
    },
    async trial(file, hours) {
      if (!query) {
        throw new Fault("no_query", "Cannot try rules: no query role is known; set QUERY_URL", {
          blame: "us",
          retry: "never",
        });
      }
      return await tryRules(file, hours, {
        judge: createJudge(configuration),
        kinds,
        changes: await changesOfAll(kinds, catalog),
        defaults: resultSettings(settings),
        now: clock.now(),
        max_events: TRIAL_EVENTS,
        ask: async (sql) => (await query.run({ sql, limit: TRIAL_EVENTS + 1 })).rows,
      });
    },
  };
}

function refusalOf(error: unknown): string {
  if (error instanceof Fault) return messageOf(error);
  throw error;
}

/** By kind, how the columns of its table were changed. */
async function changesOfAll(kinds: Kinds, catalog: Catalog): Promise<Map<string, readonly ColumnChange[]>> {
  const all = [...kinds.values()].map(async (kind) => [kind.name, await changesOf(catalog, kind)] as const);
  return new Map(await Promise.all(all));
}
