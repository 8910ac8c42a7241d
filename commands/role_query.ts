/** What answers a role's SQL: an engine of its own, the query role's, or nobody. */
import type { Clock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import { connectEngine, connectFiles } from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import type { Catalog } from "../lib/iceberg/catalog.ts";
import { Questions } from "../lib/lake/questions.ts";
import type { LakeView } from "../lib/lake/views.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import { askRemote } from "../lib/query/remote_query.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";
import type { LakeQuery } from "../routes/query.ts";
import type { Role } from "./serve.ts";

const QUERY_SCRIPT = new URL("../workers/query.ts", import.meta.url);

/** A door without a query role says what is missing, wherever SQL would be needed. */
const NO_ENGINE: LakeQuery = {
  run: () =>
    Promise.reject(
      new Fault("no_query_role", "Cannot ask: no query role is known; set QUERY_URL", {
        blame: "dependency",
        retry: "after_backoff",
      }),
    ),
};

export interface QueryParts {
  settings: Settings;
  catalog: Catalog;
  store: ObjectStore;
  views: () => readonly LakeView[];
  clock: Clock;
  line: LogLine;
  building: AsyncDisposableStack;
}

/** An engine of our own, the query role's, or none. */
export async function queryOf(role: Role, parts: QueryParts): Promise<LakeQuery | undefined> {
  const { settings, catalog, store, views, clock, line, building } = parts;
  if (settings.QUERY_URL !== null && role.name !== "query") {
    const remote = {
      url: settings.QUERY_URL,
      token: settings.API_TOKEN,
      timeout_ms: settings.QUERY_TIMEOUT_MS,
    };
    return { run: (question, signal) => askRemote(remote, question, signal) };
  }
  if (!role.has_engine) return role.shows ? NO_ENGINE : undefined;
  const lastWords = (ended: string, words: string) => line.error("a query process died", { ended, words });
  const engine = building.use(await connectEngine(settings, QUERY_SCRIPT, lastWords));
  const questions = new Questions({
    catalog,
    store,
    engine,
    get views() {
      return views();
    },
    files: building.use(await connectFiles(settings, store)),
    timeout_ms: settings.QUERY_TIMEOUT_MS,
    clock,
  });
  return {
    run: ({ sql, limit, snapshot, as_of }, signal) =>
      questions.ask({
        sql,
        limit,
        snapshot: snapshot === undefined ? undefined : Number(snapshot),
        as_of: as_of === undefined ? undefined : Date.parse(as_of),
      }, signal),
  };
}
