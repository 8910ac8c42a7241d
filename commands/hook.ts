/** `main.ts hook <source>`: a webhook as that sender would send it, correctly signed, to a running server. */
import type { Settings } from "../lib/config.ts";
import { ANY_ADDED, loadConfiguration } from "../lib/configuration.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import { sampleRequest } from "../lib/source/sample.ts";
import { parseArguments, wrongUsage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { reachableUrl } from "./listen.ts";
import { answers, devFolder, devUrl, readSecrets, secretName } from "./dev_folder.ts";

const ANSWER_MS = 15_000;

export const hook: Command = {
  names: ["hook"],
  usage: "hook <source> [--file f] [--url u]",
  doc: "send a signed sample webhook to a running server",
  more: [
    "Sources: stripe, revolut, github, shopify, standard_webhooks, and those of sources.yaml.",
    "Signs with <SOURCE>_WEBHOOK_SECRET, or with the secret that dev made in its folder.",
    "--file sends the bytes of that file instead of the sample.",
    "--url is the server (http://127.0.0.1:8000) or the whole address; without it HOST and PORT where they are set, else",
    "the running dev server, else the usual address.",
    "Prints the answer, and on standard error where it was sent and with which secret; exit status 1 unless it is a 2xx.",
  ],
  async run({ args, settings, given }) {
    const { words: [name], options } = parseArguments(args, { words: [1, 1], options: ["file", "url"] });
    const { sources } = await loadConfiguration(settings, { added: ANY_ADDED });
    const source = sources.hook(name);
    if (source === null) {
      const known = sources.signing.map((one) => one.name);
      throw wrongUsage(`${name} sends no webhooks; there are ${known.join(", ")}`);
    }
    const folder = devFolder(settings, given);
    const { secret, origin } = await secretOf(name, settings, folder);
    const body = options.file === undefined ? undefined : await readBody(options.file);
    const id = crypto.randomUUID().replaceAll("-", "");
    const request = sampleRequest(source, { secret, now_ms: Date.now(), id, body });
    if (request === null) {
      throw wrongUsage(`the secret of ${name} ${source.secretFault(secret) ?? "cannot sign"}`);
    }
    const { url, note } = options.url === undefined
      ? await serverOf(settings, given, folder)
      : { url: options.url, note: null };
    const target = hookUrl(url, name);
    if (note !== null) console.error(note);
    console.error(`to ${target.href}, signed with ${origin}`);
    const answer = await send(target, request);
    const hint = hintOf(answer, secretName(name));
    if (hint !== null) console.error(hint);
    return answer.ok ? 0 : 1;
  },
};

/** What an answer most often means; null for those that say it themselves. */
function hintOf({ status, headers }: Response, secret: string): string | null {
  const same = `${secret} must be the same here and there`;
  if (status === 404) return `the server has no secret of this sender, or does not know it; ${same}`;
  if (status !== 401) return null;
  // A door asks for a signature. Who asks for a token has none, or something stands in front of it.
  return headers.get("www-authenticate") === "Bearer"
    ? "no door of ours answers there: webhooks go to the role edge, or to everything in one process"
    : `the server has another secret; ${same}`;
}

/** A secret that still counts: the environment's, else that of dev. */
async function secretOf(
  name: string,
  settings: Settings,
  folder: string,
): Promise<{ secret: string; origin: string }> {
  const now = Date.now();
  const own = settings.webhook_secrets[name]?.find(({ until_ms }) => until_ms === null || until_ms > now);
  if (own) return { secret: own.secret, origin: secretName(name) };
  const secret = (await readSecrets(folder))[secretName(name)];
  if (secret !== undefined) return { secret, origin: `the secret that dev made in ${folder}` };
  throw wrongUsage(`there is no ${secretName(name)}, and no secrets of dev in ${folder}`);
}

/**
 * The server that the environment names, else that of dev while it runs, else the usual one. A dev that was killed leaves
 * its address behind.
 */
export async function serverOf(
  settings: Settings,
  given: ReadonlySet<string>,
  folder: string,
): Promise<{ url: string; note: string | null }> {
  const usual = reachableUrl(settings.HOST, settings.PORT);
  if (settings.PORT !== 0 && (given.has("HOST") || given.has("PORT"))) return { url: usual, note: null };
  const ofDev = await devUrl(folder);
  if (ofDev === null) return { url: usual, note: null };
  if (await answers(ofDev)) return { url: ofDev, note: null };
  return { url: usual, note: `nothing answers at ${ofDev}, where dev was last` };
}

/** The address of the source's door; one that names a path already is taken as it is. */
function hookUrl(url: string, name: string): URL {
  const target = URL.parse(url);
  if (target === null) {
    throw wrongUsage(`${JSON.stringify(url)} is no address; write it like http://127.0.0.1:8000`);
  }
  if (target.pathname === "/") target.pathname = `/hooks/${name}`;
  return target;
}

async function readBody(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw wrongUsage(`${path} cannot be read: ${messageOf(error)}`);
  }
}

/** The answer, which is printed. */
async function send(
  target: URL,
  request: { headers: Record<string, string>; body: Uint8Array },
): Promise<Response> {
  const answer = await fetch(target, {
    method: "POST",
    headers: request.headers,
    body: new Uint8Array(request.body),
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch((error) => {
    const advice = "Is the program running there? --url, or HOST and PORT, name another address";
    throw new Fault("no_answer", `Cannot reach ${target.href}: ${messageOf(error)}. ${advice}`, {
      blame: "dependency",
      retry: "after_backoff",
      cause: error,
    });
  });
  console.log(`${answer.status} ${await answer.text()}`);
  return answer;
}
