/** Columns that were added to the tables of the lake that the settings name, for commands and for a start. */
import type { Settings } from "../lib/config.ts";
import { connectCatalog, openStore } from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import { ANY_ADDED } from "../lib/configuration.ts";
import type { AddedTo } from "../lib/event/column_change.ts";
import { addedIn } from "../lib/lake/evolution.ts";
import { missingLake } from "./lake_place.ts";

/** The lake is opened when it is asked for; none that is not there is made, and nothing was added to it. */
export function addedInLake(settings: Settings): AddedTo {
  return async (kinds) => {
    if (await missingLake(settings) !== null) return kinds.map(() => []);
    await using store = await openStore(settings);
    return await addedIn(connectCatalog(settings, store))(kinds);
  };
}

/** For a start, which is not refused for what a store would say that is away: what lacks it comes to know it later. */
export function asFarAsKnown(added: AddedTo): AddedTo {
  return (kinds) =>
    added(kinds).catch((error) => {
      if (error instanceof Fault && error.blame === "dependency") return ANY_ADDED(kinds);
      throw error;
    });
}
