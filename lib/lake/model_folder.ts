/** The folder of models and checks, read whole: one file with a fault refuses all, so that nothing runs on half of them. */
import { Fault, messageOf } from "../errors.ts";
import { type Model, orderModels, parseCheck, parseModel, type QualityCheck } from "./model_file.ts";

export interface ModelFolder {
  /** Each after those that it reads. */
  models: readonly Model[];
  checks: readonly QualityCheck[];
}

/** `models/*.sql` and `models/checks/*.sql` of the program itself. */
export const SHIPPED_MODELS = new URL("../../models/", import.meta.url);

export async function readModelFolder(folder: URL = SHIPPED_MODELS): Promise<ModelFolder> {
  const models = await readSql(folder);
  const checks = await readSql(new URL("checks/", folder));
  try {
    return {
      models: orderModels(models.map(({ name, text }) => parseModel(name, text))),
      checks: checks.map(({ name, text }) => parseCheck(name, text)),
    };
  } catch (error) {
    throw new Fault("model_refused", `Cannot use the models: ${messageOf(error)}`, {
      blame: "us",
      retry: "after_refresh",
      cause: error,
    });
  }
}

async function readSql(folder: URL): Promise<{ name: string; text: string }[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile && entry.name.endsWith(".sql")) names.push(entry.name);
  }
  return await Promise.all(
    names.sort().map(async (name) => ({ name, text: await Deno.readTextFile(new URL(name, folder)) })),
  );
}
