/**
 * `main.ts dev`: everything in one process with demo data flowing, and a few lines that say what is where.
 * `main.ts reset --yes`: empties what `dev` made.
 */
import { join } from "node:path";
import { isLoopback, type Settings } from "../lib/config.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import { isThere } from "../lib/store/local_file.ts";
import { parseArguments, wrongUsage } from "./arguments.ts";
import type { Command } from "./command.ts";
import {
  answers,
  DEV_FOLDER,
  devFolder,
  devSecrets,
  devUrl,
  isDevFolder,
  withSecrets,
  writeMark,
} from "./dev_folder.ts";
import { holdFolder } from "./held_folder.ts";
import { allWorkers, type Role, serve } from "./serve.ts";

const EVENTS_PER_SECOND = 20;
/** So that people see at once what they send. */
const CHECKPOINT_MS = 2_000;

const DEV: Role = {
  name: "dev",
  has_door: true,
  shows: true,
  has_engine: true,
  needs_kafka: false,
  workers: allWorkers,
};

export const dev: Command = {
  names: ["dev"],
  usage: "dev [--no-open]",
  doc: "everything in one process, with demo data flowing",
  more: [
    "On a terminal the page is opened in a browser; --no-open leaves that to you. The data stay in data/dev.",
  ],
  async run({ args, settings: given_settings, given }) {
    const { flags } = parseArguments(args, { flags: ["no-open"] });
    const folder = devFolder(given_settings, given);
    const settings = await devSettings(given_settings, given, folder);
    const say = settings.LOG_FORMAT === "json" ? console.error : console.log;
    const ended = new AbortController();
    const page = buildIfStale(say, ended.signal);
    let is_ours = false;
    const status = await serve(DEV, { settings }, {
      // Not before: the folder may be another program's, which reset must not take for ours.
      async onHeld() {
        if (!await isDevFolder(folder)) await writeMark(folder, null);
      },
      onListening(url) {
        is_ours = true;
        writeMark(folder, url).catch((error) => say(messageOf(error)));
        page.then(() => {
          say(greeting(url, settings, folder));
          if (!flags.has("no-open") && Deno.stdout.isTerminal()) openBrowser(url, say);
        });
      },
    });
    ended.abort(new Error("the program is stopping"));
    if (is_ours) await writeMark(folder, null);
    return status;
  },
};

/** What the environment gives wins; the rest is made so that everything can be tried at once. */
async function devSettings(
  settings: Settings,
  given: ReadonlySet<string>,
  folder: string,
): Promise<Settings> {
  const secrets = await devSecrets(folder);
  const rate = given.has("DEMO_EVENTS_PER_SECOND") ? settings.DEMO_EVENTS_PER_SECOND : EVENTS_PER_SECOND;
  const checkpoint_ms = given.has("CHECKPOINT_MS") ? settings.CHECKPOINT_MS : CHECKPOINT_MS;
  const tuned = { DATA_DIR: folder, DEMO_EVENTS_PER_SECOND: rate, CHECKPOINT_MS: checkpoint_ms };
  const own = withSecrets({ ...settings, ...tuned }, secrets);
  if (isLoopback(settings.HOST)) return own;
  const hasTokens = Object.keys(own.ingest_tokens).length > 0;
  return {
    ...own,
    API_TOKEN: own.API_TOKEN ?? secrets.API_TOKEN,
    ingest_tokens: hasTokens ? own.ingest_tokens : { [secrets.INGEST_TOKEN]: "shop" },
  };
}

const BUILD_SCRIPT = new URL("../static/build.ts", import.meta.url);

/**
 * Builds in a process of its own, so that nothing else waits for it, and none of its packages is loaded here. Never
 * rejects: without a page the rest is still of use.
 */
async function buildIfStale(say: (text: string) => void, signal: AbortSignal): Promise<void> {
  try {
    const { isStale } = await import("../static/build.ts");
    if (!await isStale()) return;
    say("Building the page, which takes a few seconds ...");
    const args = ["run", "-A", "--no-check", BUILD_SCRIPT.href, "--no-compress", "--with-parent"];
    const child = new Deno.Command(Deno.execPath(), {
      args,
      cwd: new URL("..", import.meta.url),
      // Held open: when we are gone, however it came, it ends, and the build with it.
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
      signal,
    }).spawn();
    const { success, stderr } = await child.output();
    if (!success && !signal.aborted) {
      say(`The page could not be built; deno task build says more.\n${new TextDecoder().decode(stderr)}`);
    }
  } catch (error) {
    if (!signal.aborted) say(`The page could not be built: ${messageOf(error)}`);
  }
}

export function greeting(url: string, settings: Settings, folder: string): string {
  const demo = settings.DEMO_EVENTS_PER_SECOND > 0
    ? `${settings.DEMO_EVENTS_PER_SECOND} events a second are made up meanwhile (${
      join(settings.CONFIG_DIR, "generator.yaml")
    }; an edit counts at once).`
    : "No demo data: DEMO_EVENTS_PER_SECOND is 0.";
  const token = isLoopback(settings.HOST)
    ? ""
    : ` -H "authorization: Bearer <INGEST_TOKEN of ${folder}/secrets.env>"`;
  const run = `${folder === DEV_FOLDER ? "" : `DATA_DIR=${folder} `}deno run -A main.ts`;
  return `
  Millrace is running.

    ${url}                 SQL and dashboard in the browser
    ${url}/docs            the HTTP interface
    ${url}/iceberg/v1/namespaces    the tables, for any Iceberg reader (REST catalog at ${url}/iceberg)
    ${folder}    log, lake, secrets.env; this empties it: ${run} reset --yes

  ${demo}

  Send an event of your own:
    ${curlLine(url, token)}

  Send a signed webhook, as Stripe would (also revolut, github, shopify, standard_webhooks):
    ${run} hook stripe

  From Stripe itself, with its secret as STRIPE_WEBHOOK_SECRET:
    stripe listen --forward-to ${url}/hooks/stripe

  Ctrl+C ends it.
`;
}

/** One line for any POSIX shell; its event happens when it is sent. */
export function curlLine(url: string, token = ""): string {
  const fields = [
    `\\"event_id\\":\\"mine_$(date +%s)\\"`,
    `\\"timestamp\\":\\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\\"`,
    `\\"user_id\\":\\"me\\"`,
    `\\"amount\\":\\"19.99\\"`,
    `\\"currency\\":\\"EUR\\"`,
    `\\"status\\":\\"completed\\"`,
  ];
  return `curl ${url}/ingest/transaction -H "content-type: application/json"${token} -d "{${
    fields.join(",")
  }}"`;
}

const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  windows: ["cmd", "/c", "start"],
};

function openBrowser(url: string, say: (text: string) => void): void {
  const [command, ...args] = OPENERS[Deno.build.os] ?? ["xdg-open"];
  try {
    new Deno.Command(command, { args: [...args, url], stdin: "null", stdout: "null", stderr: "null" }).spawn()
      .unref();
  } catch (error) {
    // Whoever has no such program opens the address by hand.
    say(`The browser could not be opened: ${messageOf(error)}`);
  }
}

export const reset: Command = {
  names: ["reset"],
  usage: "reset --yes",
  doc: "empty the data of dev",
  more: [
    "Without --yes it says what it would empty. A folder that dev did not make, or uses, is left alone.",
  ],
  async run({ args, settings, given }) {
    const { flags } = parseArguments(args, { flags: ["yes"] });
    const folder = devFolder(settings, given);
    if (!flags.has("yes")) throw wrongUsage(`reset empties ${folder}; say --yes`);
    if (!await isThere(folder)) {
      console.log(`${folder} is empty already`);
      return 0;
    }
    if (!await isDevFolder(folder)) throw cannotEmpty(folder, "it was not made by dev");
    const url = await devUrl(folder);
    if (url !== null && await answers(url)) {
      throw cannotEmpty(folder, `a server uses it (${url}); end that first`);
    }
    using _held = await heldForReset(folder);
    await Deno.remove(folder, { recursive: true });
    console.log(`emptied ${folder}`);
    return 0;
  },
};

/** Whoever serves from the folder, `dev` or another role, holds it. */
async function heldForReset(folder: string): Promise<Disposable> {
  try {
    return await holdFolder(folder);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "folder_in_use") throw error;
    throw cannotEmpty(folder, "a server uses it; end that first");
  }
}

function cannotEmpty(folder: string, reason: string): Fault {
  return new Fault("reset_refused", `Cannot empty ${folder}: ${reason}`, { blame: "us", retry: "never" });
}
