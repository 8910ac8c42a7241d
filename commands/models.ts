/** `main.ts models`: makes the models now, beside a running server or without one; `--full` makes them whole. */
import { loadConfiguration } from "../lib/configuration.ts";
import {
  connectCatalog,
  connectFiles,
  connectLander,
  connectWriter,
  lakePrefix,
  openStore,
} from "../lib/connect.ts";
import { readModelFolder } from "../lib/lake/model_folder.ts";
import { type ModelOutcome, runModels } from "../lib/lake/models.ts";
import { lakeViews } from "../lib/lake/views.ts";
import { systemClock } from "../lib/clock.ts";
import { addedInLake } from "./added_columns.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { needLake } from "./lake_place.ts";
import { whileWaiting } from "./progress.ts";

export const models: Command = {
  names: ["models"],
  usage: "models [--full] [--dry-run]",
  doc: "make the models of what is published now",
  more: ["--full makes each whole and anew, also where nothing changed."],
  on_lake: true,
  async run({ args, settings }) {
    const { flags } = parseArguments(args, { flags: ["full", "dry-run"] });
    const configuration = await loadConfiguration(settings, { added: addedInLake(settings) });
    const folder = await readModelFolder();
    await needLake(settings);
    await using store = await openStore(settings);
    await using writer = await connectWriter(settings);
    await using files = await connectFiles(settings, store);
    const outcomes = await whileWaiting("making models", systemClock, async () =>
      await runModels(
        {
          store,
          writer,
          catalog: connectCatalog(settings, store),
          lander: connectLander(settings, store, writer),
          prefix: lakePrefix(settings),
          views: lakeViews(configuration.kinds, configuration.windows),
          files,
        },
        folder.models,
        { full: flags.has("full"), dry_run: flags.has("dry-run") },
      ));
    for (const outcome of outcomes) console.log(`${outcome.model}: ${sentence(outcome)}`);
    return outcomes.some(({ state }) => state === "failed") ? 1 : 0;
  },
};

function sentence(outcome: ModelOutcome): string {
  if (outcome.state === "unchanged") return "unchanged";
  if (outcome.state === "due") return "would be made";
  if (outcome.state === "failed") return outcome.reason;
  const how = outcome.ranges === null ? "whole" : `${outcome.ranges} ranges of days`;
  return `made, ${outcome.rows} rows (${how})`;
}
