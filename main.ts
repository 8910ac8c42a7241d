/** The one entry: which role or command, with which settings. Only this file reads the environment. */
import { COMMANDS, usage } from "./commands/commands.ts";
import { withLakeOfDev } from "./commands/dev_folder.ts";
import { readSettings } from "./lib/config.ts";
import { Fault, messageOf } from "./lib/errors.ts";

const FAILED = 1;
const WRONG_USAGE = 2;

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const command = COMMANDS.find((one) => one.names.includes(name));
  if (!command) {
    const isAsked = name === undefined || name === "help" || name === "--help" || name === "-h";
    (isAsked ? console.log : console.error)(isAsked ? usage() : `There is no command ${name}.\n\n${usage()}`);
    return isAsked && name !== undefined ? 0 : WRONG_USAGE;
  }
  const environment = Deno.env.toObject();
  const reading = readSettings(environment, Deno.readTextFileSync);
  if (!reading.ok) {
    console.error("Cannot start: these settings are wrong");
    for (const { name, message } of reading.faults) console.error(`  ${name} ${message}`);
    return WRONG_USAGE;
  }
  try {
    const given = new Set(Object.keys(environment).filter((key) => environment[key] !== ""));
    const settings = command.on_lake ? await withLakeOfDev(reading.settings, given) : reading.settings;
    return await command.run({ name, args: rest, settings, given });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    console.error(messageOf(error));
    return error.blame === "sender" ? WRONG_USAGE : FAILED;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
