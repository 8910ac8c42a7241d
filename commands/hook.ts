/** `main.ts hook <source>`: a webhook as that sender would send it, correctly signed, to a running server. */
import { loadConfiguration } from "../lib/configuration.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import { sampleRequest } from "../lib/source/sample.ts";
import { parseArguments, wrongUsage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { reachableUrl } from "./listen.ts";
import { devFolder, devUrl, readSecrets, secretName } from "./dev_folder.ts";

const ANSWER_MS = 15_000;

export const hook: Command = {
  names: ["hook"],
  usage: "hook <source> [--file f] [--url u]",
  doc: "send a signed sample webhook to a running server",
  more: [
    "Sources: stripe, revolut, github, shopify, standard_webhooks, and those of sources.yaml.",
    "Signs with <SOURCE>_WEBHOOK_SECRET, or with the secret that dev made in its folder.",
    "--file sends the bytes of that file instead of the sample.",
    "--url is the server (http://127.0.0.1:8000) or the whole address; without it the running dev server, else HOST and PORT.",
    "Prints the answer; exit status 1 unless it is a 2xx.",
  ],
  async run({ args, settings, given }) {
    const { words: [name], options } = parseArguments(args, { words: [1, 1], options: ["file", "url"] });
    const { sources } = await loadConfiguration(settings);
    const source = sources.hook(name);
    if (source === null) {
      const known = sources.signing.map((one) => one.name);
      throw wrongUsage(`${name} sends no webhooks; there are ${known.join(", ")}`);
    }
    const folder = devFolder(settings, given);
    const secret = settings.webhook_secrets[name]?.[0]?.secret ??
      (await readSecrets(folder))[secretName(name)];
    if (secret === undefined) {
      throw wrongUsage(`there is no ${secretName(name)}, and no secrets of dev in ${folder}`);
    }
    const body = options.file === undefined ? undefined : await readBody(options.file);
    const id = crypto.randomUUID().replaceAll("-", "");
    const request = sampleRequest(source, { secret, now_ms: Date.now(), id, body });
    if (request === null) {
      throw wrongUsage(`the secret of ${name} ${source.secretFault(secret) ?? "cannot sign"}`);
    }
    const target = hookUrl(
      options.url ?? await devUrl(folder) ?? reachableUrl(settings.HOST, settings.PORT),
      name,
    );
    return await send(target, request);
  },
};

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

async function send(
  target: URL,
  request: { headers: Record<string, string>; body: Uint8Array },
): Promise<number> {
  const answer = await fetch(target, {
    method: "POST",
    headers: request.headers,
    body: new Uint8Array(request.body),
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch((error) => {
    throw new Fault("no_answer", `Cannot reach ${target.href}: ${messageOf(error)}`, {
      blame: "dependency",
      retry: "after_backoff",
      cause: error,
    });
  });
  console.log(`${answer.status} ${await answer.text()}`);
  return answer.ok ? 0 : 1;
}
