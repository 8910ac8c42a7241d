/** The one entry: which role or command, with which settings. Only this file reads the environment. */
import { COMMANDS, helpOf, usage } from "./commands/commands.ts";
import { withLakeOfDev } from "./commands/dev_folder.ts";
import { faultText } from "./commands/start_faults.ts";
import { readSettings } from "./lib/config.ts";
import { Fault, messageOf } from "./lib/errors.ts";
import { systemCode } from "./lib/store/disk_fault.ts";

const FAILED = 1;
const WRONG_USAGE = 2;
/** Rightly asked, but more than the settings allow. */
const TOO_MUCH = new Set(["timeout", "limit"]);
const HELP = new Set(["help", "--help", "-h"]);

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const isHelp = HELP.has(name);
  if (name === undefined || (isHelp && rest.length === 0)) {
    (isHelp ? console.log : console.error)(usage());
    return isHelp ? 0 : WRONG_USAGE;
  }
  const asked = isHelp ? rest[0] : name;
  const command = COMMANDS.find((one) => one.names.includes(asked));
  if (!command) {
    console.error(`There is no command ${asked}.\n\n${usage()}`);
    return WRONG_USAGE;
  }
  if (isHelp || rest.some((one) => HELP.has(one) && one !== "help")) {
    console.log(helpOf(command));
    return 0;
  }
  const environment = Deno.env.toObject();
  const reading = readSettings(environment, Deno.readTextFileSync);
  if (!reading.ok) {
    console.error(faultText(reading.faults));
    return WRONG_USAGE;
  }
  try {
    const given = new Set(Object.keys(environment).filter((key) => environment[key] !== ""));
    const settings = command.on_lake ? await withLakeOfDev(reading.settings, given) : reading.settings;
    return await command.run({ name, args: rest, settings, given });
  } catch (error) {
    if (systemCode(error) !== null) {
      console.error(`Cannot ${name}: ${messageOf(error)}`);
      return FAILED;
    }
    if (!(error instanceof Fault)) throw error;
    console.error(messageOf(error) + placeText(error));
    if (error.code === "usage") console.error(`Usage: main.ts ${command.usage}`);
    return error.blame === "sender" && !TOO_MUCH.has(error.code) ? WRONG_USAGE : FAILED;
  }
}

/** Where in a text the fault is, for faults that know. */
function placeText({ fields }: Fault): string {
  const [line, column] = ["line", "column"].map((name) => fields.find((one) => one.field === name)?.actual);
  return line === undefined ? "" : ` (line ${line}, column ${column})`;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
