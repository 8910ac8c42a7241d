/** `main.ts settings`: every setting with its value in force, its default and its sentence. Secrets are never shown. */
import { type SettingName, SETTINGS } from "../lib/config.ts";
import type { Command } from "./command.ts";

export const settings: Command = {
  names: ["settings"],
  usage: "settings",
  doc: "list every setting, its value and what it means",
  run({ settings }) {
    for (const name of Object.keys(SETTINGS) as SettingName[]) {
      const { doc, fallback } = SETTINGS[name];
      const isSecret = "secret" in SETTINGS[name];
      const value = settings[name];
      const shown = value === null ? "(not set)" : isSecret ? "(set, not shown)" : String(value);
      console.log(`${name} = ${shown}${fallback === null ? "" : `   [default ${fallback}]`}\n    ${doc}`);
    }
    console.log(
      "<SOURCE>_WEBHOOK_SECRET\n    Secrets of a sender, at most 4, comma separated; each may end in ;until=<RFC 3339>.",
    );
    console.log("<NAME>_FILE\n    For every secret: a file that holds it.");
    return Promise.resolve(0);
  },
};
