/** `main.ts audit`: proves from the objects that nothing was lost or doubled, beside a running server or without one. */
import { connectChains } from "../lib/connect.ts";
import { audit as runAudit, auditLine } from "../lib/lake/audit.ts";
import { partitionsOf } from "../lib/checkpoint/partitions.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { openLake } from "./lake.ts";

const AUDIT_TIMEOUT_MS = 600_000;

export const audit: Command = {
  names: ["audit"],
  usage: "audit [--json]",
  doc: "prove that nothing was lost or doubled",
  on_lake: true,
  async run({ args, settings }) {
    const { flags } = parseArguments(args, { flags: ["json"] });
    await using lake = await openLake({ ...settings, QUERY_TIMEOUT_MS: AUDIT_TIMEOUT_MS });
    const chains = connectChains(lake.store, await partitionsOf(lake.store));
    const report = await runAudit({
      catalog: lake.catalog,
      store: lake.store,
      chains,
      ask: async (sql, { snapshot }) =>
        (await lake.questions.ask({ sql: sql("raw.events"), limit: 1_000_000, snapshot })).rows,
    });
    if (flags.has("json")) console.log(JSON.stringify(report));
    else for (const problem of report.problems) console.log(problem);
    console.log(auditLine(report));
    return report.problems.length === 0 ? 0 : 1;
  },
};
