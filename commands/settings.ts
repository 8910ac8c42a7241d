/** `main.ts settings`: every setting with its value in force, its default and its sentence. Secrets are never shown. */
import type { Settings } from "../lib/config.ts";
import { type SettingName, SETTINGS } from "../lib/setting_list.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { secretName } from "./dev_folder.ts";

interface Shown {
  name: string;
  /** null when it is not set; never a secret's own. */
  value: string | null;
  default: string | null;
  doc: string;
}

const SET = "(set, not shown)";

export const settings: Command = {
  names: ["settings"],
  usage: "settings [--json]",
  doc: "list every setting, its value and what it means",
  more: ["--json gives an array of objects: name, value, default, doc. No secret is shown."],
  run({ args, settings }) {
    const { flags } = parseArguments(args, { flags: ["json"] });
    const shown = [...plain(settings), ...secrets(settings)];
    if (flags.has("json")) console.log(JSON.stringify(shown, null, 2));
    else for (const one of shown) console.log(lineOf(one));
    return Promise.resolve(0);
  },
};

function plain(settings: Settings): Shown[] {
  return (Object.keys(SETTINGS) as SettingName[]).map((name) => {
    const { doc, fallback } = SETTINGS[name];
    const value = settings[name];
    return {
      name,
      value: value === null ? null : "secret" in SETTINGS[name] ? SET : String(value),
      default: fallback,
      doc,
    };
  });
}

/** Those of senders that are set, and how to set one. */
function secrets({ webhook_secrets }: Settings): Shown[] {
  const named = Object.entries(webhook_secrets).map(([name, keys]): Shown => ({
    name: secretName(name),
    value: `(${keys.length} set, not shown)`,
    default: null,
    doc: `Secrets of the sender ${name}.`,
  }));
  return [
    ...named,
    {
      name: "<SOURCE>_WEBHOOK_SECRET",
      value: null,
      default: null,
      doc: "Secrets of a sender, at most 4, comma separated; each may end in ;until=<RFC 3339>.",
    },
    { name: "<NAME>_FILE", value: null, default: null, doc: "For every secret: a file that holds it." },
  ];
}

function lineOf({ name, value, default: fallback, doc }: Shown): string {
  return `${name} = ${value ?? "(not set)"}${
    fallback === null ? "" : `   [default ${fallback}]`
  }\n    ${doc}`;
}
