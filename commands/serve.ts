/**
 * The roles: one process each, or all in one. Builds what the role needs, listens, and stops in order.
 *
 *   SIGTERM ─► no new requests ─► workers decide their last checkpoints ─► log and store closed ─► exit 0
 */
import { createApp } from "../routes/app.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import { messageOf } from "../lib/errors.ts";
import { type LogLine, logLines, logListening } from "../lib/observe/log_line.ts";
import { Metrics } from "../lib/observe/metrics.ts";
import { scrubber, secretsOf } from "../lib/observe/scrub.ts";
import type { StartMessage } from "../workers/protocol.ts";
import { Supervisor } from "../workers/supervisor.ts";
import { parseArguments } from "./arguments.ts";
import type { Command, Invocation } from "./command.ts";
import { holdFolder } from "./held_folder.ts";
import { listen, refuseTakenPort } from "./listen.ts";
import { assemble } from "./assemble.ts";
import { settingsFault, startFaults } from "./start_faults.ts";

/** An orderly stop ends by then, whatever still runs. */
const STOP_MS = 9_000;

export interface Role {
  name: string;
  /** Serves the doors, the page and the API. */
  has_door: boolean;
  /** Shows the page, the tables and the catalog. */
  shows: boolean;
  /** Runs native DuckDB in processes of its own, unless QUERY_URL names another. */
  has_engine: boolean;
  /** Worker threads by their script's name, and how many. */
  workers(settings: Settings): Record<string, number>;
  needs_kafka: boolean;
}

/**
 * Everything, with demo data when there is to be some. Two threads work off a backlog on two cores. A process that does
 * nothing else has one: more of them come with more processes.
 */
export function allWorkers(settings: Settings): Record<string, number> {
  const demo: Record<string, number> = settings.DEMO_EVENTS_PER_SECOND > 0 ? { produce: 1 } : {};
  return { process: settings.PROCESS_WORKERS ?? 2, maintain: 1, ...demo };
}

export const ROLES: readonly Role[] = [
  {
    name: "all",
    has_door: true,
    shows: true,
    has_engine: true,
    needs_kafka: false,
    workers: allWorkers,
  },
  { name: "edge", has_door: true, shows: true, has_engine: false, needs_kafka: true, workers: () => ({}) },
  {
    name: "process",
    has_door: false,
    shows: false,
    has_engine: false,
    needs_kafka: true,
    workers: (settings) => ({ process: settings.PROCESS_WORKERS ?? 1 }),
  },
  {
    name: "maintain",
    has_door: false,
    shows: false,
    has_engine: false,
    needs_kafka: true,
    workers: () => ({ maintain: 1 }),
  },
  { name: "query", has_door: false, shows: false, has_engine: true, needs_kafka: false, workers: () => ({}) },
];

const DOCS: Record<string, string> = {
  all: "everything in one process",
  edge: "the doors, the page and the API",
  process: "turn records into decided checkpoints",
  maintain: "publish, compact, audit",
  query: "answer SQL",
};

export const roleCommands: readonly Command[] = ROLES.map((role) => ({
  names: [role.name],
  usage: role.name,
  doc: `${DOCS[role.name]}`,
  run: (invocation) => {
    parseArguments(invocation.args, {});
    return serve(role, invocation);
  },
}));

export interface ServeOptions {
  /** Called once the folder is ours alone, before anything is written there. */
  onHeld?(): Promise<void>;
  /** Called once the server listens. */
  onListening?(url: string): void;
}

export async function serve(
  role: Role,
  { settings }: Pick<Invocation, "settings">,
  options: ServeOptions = {},
): Promise<number> {
  const faults = await startFaults(settings, role);
  if (faults.length > 0) throw settingsFault(faults);
  using _held = settings.KAFKA_BROKERS === null && role.has_door ? await holdFolder(settings.DATA_DIR) : null;
  refuseTakenPort(settings);
  await options.onHeld?.();
  const clock = systemClock;
  const scrub = scrubber(secretsOf(settings));
  const line = lineOf(settings, clock, scrub);
  const stop = stopSignal();
  const metrics = new Metrics();
  tellProcess(metrics);
  const failure = { reason: null as string | null };
  const fail = (reason: string) => {
    failure.reason = reason;
    stop.now();
  };
  const supervisor: Supervisor = new Supervisor({
    clock,
    line,
    metrics,
    onNotice: () => undefined,
    onFatal: fail,
  });
  const begun = Promise.withResolvers<void>();
  startWorkers(role, { settings, supervisor, after: begun.promise });
  await using parts = await assemble(role, { settings, clock, line, metrics, scrub, supervisor });
  parts.proven.then(begun.resolve, (error) => fail(messageOf(error)));
  const app = createApp(parts.deps);
  const server = listen(app, settings);
  // Whoever started the program waits for this line, however little else is told.
  logListening(lineOf({ ...settings, LOG_LEVEL: "info" }, clock, scrub), {
    url: server.url,
    role: role.name,
    pid: Deno.pid,
  });
  options.onListening?.(server.url);
  await stop.asked;
  line.info("stopping");
  parts.hangUp();
  await Promise.all([server.stop(), supervisor.stop(STOP_MS)]);
  if (failure.reason !== null) console.error(failure.reason);
  return failure.reason === null ? 0 : 1;
}

function tellProcess(metrics: Metrics): void {
  metrics.beforeReading(() => {
    metrics.gauge("process_resident_bytes", {}).set(Deno.memoryUsage().rss);
    metrics.gauge("process_uptime_seconds", {}).set(performance.now() / 1000);
  });
}

/** They load beside what is assembled here, and touch nothing before its checks have passed. */
function startWorkers(
  role: Role,
  { settings, supervisor, after }: { settings: Settings; supervisor: Supervisor; after: Promise<void> },
): void {
  for (const [name, count] of Object.entries(role.workers(settings))) {
    for (let index = 0; index < count; index++) {
      const start: StartMessage = {
        type: "start",
        settings,
        role: role.name,
        index,
        count,
        gives_way: role.has_door,
      };
      const url = new URL(`../workers/${name}.ts`, import.meta.url);
      supervisor.start({ name: count > 1 ? `${name} ${index}` : name, url, start, after });
    }
  }
}

function lineOf(settings: Settings, clock: Clock, scrub: (text: string) => string): LogLine {
  const encoder = new TextEncoder();
  return logLines({
    level: settings.LOG_LEVEL,
    format: settings.LOG_FORMAT,
    clock,
    scrub,
    write: (text) => Deno.stdout.writeSync(encoder.encode(text + "\n")),
  });
}

/** Resolves `asked` with the first SIGTERM or SIGINT, or when `now` is called; a second signal ends at once. */
function stopSignal(): { asked: Promise<void>; now: () => void } {
  const asked = Promise.withResolvers<void>();
  let count = 0;
  const hear = () => {
    if (++count > 1) Deno.exit(1);
    asked.resolve();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, hear);
  return { asked: asked.promise, now: () => asked.resolve() };
}
