/** The page as it is now, built when it is not there or older than its sources; no test relies on another to have done so. */
import { buildPage, isStale } from "../../static/build.ts";

export async function builtPage(): Promise<void> {
  if (await isStale()) await buildPage({ compress: false });
}
