/** `main.ts audit`: proves from the objects that nothing was lost or doubled, beside a running server or without one. */
import { connectChains } from "../lib/connect.ts";
import { audit as runAudit, auditLine } from "../lib/lake/audit.ts";
import { partitionsOf } from "../lib/checkpoint/partitions.ts";
import { systemClock } from "../lib/clock.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { openLake } from "./lake.ts";
import { whileWaiting } from "./progress.ts";

const AUDIT_TIMEOUT_MS = 600_000;

export const audit: Command = {
  names: ["audit"],
  usage: "audit [--json]",
  doc: "prove that nothing was lost or doubled",
  more: [
    "Offsets tile, sums hold, files can be read, counts match; records that are not yet processed are no fault.",
    "Beside a running server or without one. The last line says ok or the number of problems, which is exit status 1.",
    "--json gives the report as one object on standard output, the last line on standard error.",
  ],
  on_lake: true,
  async run({ args, settings }) {
    const { flags } = parseArguments(args, { flags: ["json"] });
    await using lake = await openLake({ ...settings, QUERY_TIMEOUT_MS: AUDIT_TIMEOUT_MS });
    const chains = connectChains(lake.store, await partitionsOf(lake.store));
    const report = await whileWaiting("auditing", systemClock, () =>
      runAudit({
        catalog: lake.catalog,
        store: lake.store,
        chains,
        ask: async (sql, { snapshot }) =>
          (await lake.questions.ask({ sql: sql("raw.events"), limit: 1_000_000, snapshot })).rows,
      }));
    // One object is all that a program wants to read; people see the last line on the terminal all the same.
    const isJson = flags.has("json");
    if (isJson) console.log(JSON.stringify(report));
    else for (const problem of report.problems) console.log(problem);
    (isJson ? console.error : console.log)(auditLine(report));
    return report.problems.length === 0 ? 0 : 1;
  },
};
