/** What a start says of settings that work and should be better. */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { shortTokens } from "../../commands/start_faults.ts";
import { readSettings } from "../../lib/config.ts";
import { startProgram } from "../program.ts";

Deno.test("shortTokens names the settings whose tokens are soon guessed, and no token", () => {
  const reading = readSettings({
    API_TOKEN: "sixteen-or-more-1",
    READ_TOKEN: "fifteen-or-less",
    INGEST_TOKENS: "shop=sixteen-or-more-2,till=t",
  }, () => "");
  ok(reading.ok);
  deepStrictEqual(shortTokens(reading.settings), ["READ_TOKEN", "INGEST_TOKENS"]);
});

Deno.test("a program says where it listens at every LOG_LEVEL", async () => {
  const folder = await Deno.makeTempDir();
  const program = await startProgram({ env: { DATA_DIR: folder, LOG_LEVEL: "error" } });
  match(program.lines.join("\n"), /"msg":"listening"/);
  await program.stop();
  await Deno.remove(folder, { recursive: true });
});
