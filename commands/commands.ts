/** The one list of commands. */
import type { Command } from "./command.ts";
import { alerts, transactions } from "./asked_most.ts";
import { audit } from "./audit.ts";
import { backup, restore } from "./backup.ts";
import { dev, reset } from "./dev.ts";
import { doctor } from "./doctor.ts";
import { evolve } from "./evolve.ts";
import { hook } from "./hook.ts";
import { models } from "./models.ts";
import { produce } from "./produce.ts";
import { relocate } from "./relocate.ts";
import { replay } from "./replay.ts";
import { rules } from "./rules.ts";
import { roleCommands } from "./serve.ts";
import { settings } from "./settings.ts";
import { sql } from "./sql.ts";
import { snapshots, tables } from "./tables.ts";
import { tail } from "./tail.ts";
import { collect, compact, expire } from "./upkeep.ts";

export const COMMANDS: readonly Command[] = [
  dev,
  reset,
  ...roleCommands,
  produce,
  hook,
  rules,
  sql,
  tables,
  snapshots,
  alerts,
  transactions,
  tail,
  compact,
  expire,
  collect,
  evolve,
  replay,
  relocate,
  backup,
  restore,
  audit,
  models,
  doctor,
  settings,
];

/** Means the same everywhere. */
const DRY_RUN = "--dry-run says what would be done, and does nothing.";

/** What `main.ts help <command>` says. */
export function helpOf({ usage, doc, more = [] }: Command): string {
  const lines = [...more, ...(usage.includes("--dry-run") ? [DRY_RUN] : [])];
  return [`Usage: main.ts ${usage}`, "", doc, ...(lines.length > 0 ? ["", ...lines] : [])].join("\n");
}

/** Longer usages stand in a line of their own. */
const SHORT = 28;

export function usage(): string {
  const lines = COMMANDS.map(({ usage, doc }) =>
    usage.length <= SHORT
      ? `  ${usage.padEnd(SHORT + 2)}${doc}`
      : `  ${usage}\n  ${" ".repeat(SHORT + 2)}${doc}`
  );
  const closing = "main.ts help <command> says more. Exit status: 0 done, 1 failed, 2 wrong usage.";
  return `Usage: main.ts <command>\n\n${lines.join("\n")}\n\n${closing}`;
}
