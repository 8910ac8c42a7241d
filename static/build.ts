/**
 * Builds the page: sources in `static/`, everything the browser may ask for in `static/dist/`, under names that carry
 * their own hash so that they may be cached for ever.
 *
 *   app.ts ──deno bundle──► assets/app-<hash>.js + chunks         shared/*.css ... ──► assets/app-<hash>.css
 *   npm packages ─────────► assets/engine-<hash>.wasm, .js        index.html ────────► index.html with those names
 *
 * Needs npm packages only (no network once they are cached). `deno task build` also writes .br and .gz beside each file.
 */
import { createHash } from "node:crypto";
import { brotliCompressSync, brotliDecompressSync, constants, gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { ENGINE_EXTENSIONS, ENGINE_FILES } from "./engine/engine_files.ts";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
export const DIST = `${SOURCES}dist/`;
/** What the page is made of: its own sources, what it shares with the server, and the versions of packages. */
const INPUTS = [
  SOURCES,
  ...["../lib/query/", "../lib/errors.ts", "../deno.json"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url))
  ),
];
const COMPRESSED = /\.(js|css|wasm|svg|html|map)$/;

/** Style sheets in the order of the cascade. */
const STYLES = [
  "shared/theme.css",
  "shared/base.css",
  "shared/shell.css",
  "shared/grid.css",
  "shared/chart.css",
  "editor/editor.css",
  "dashboard/dashboard.css",
  "pages/pages.css",
];

export interface BuildOptions {
  /** Write .br and .gz beside each file; seconds for the engine, so `dev` goes without. */
  compress: boolean;
}

/** Whether a source is newer than what was built, or nothing was built yet. */
export async function isStale(): Promise<boolean> {
  const built = await modifiedAt(`${DIST}index.html`);
  if (built === null) return true;
  for (const input of INPUTS) {
    if (await newest(input) > built) return true;
  }
  return false;
}

/** Builds everything anew and then swaps it in, so that a server never sees half a page. */
export async function buildPage(options: BuildOptions): Promise<void> {
  const next = `${SOURCES}dist.tmp/`;
  await removeIfThere(next);
  await Deno.mkdir(`${next}assets`, { recursive: true });
  // The bundle comes first: it brings the npm packages whose files are copied below.
  const names = new Map([["app.js", await bundle(next)], ...await chunks(next)]);
  names.set("app.css", await writeHashed(next, "app.css", await styles()));
  names.set(
    "favicon.svg",
    await writeHashed(next, "favicon.svg", await Deno.readFile(`${SOURCES}favicon.svg`)),
  );
  for (const [name, url] of Object.entries(ENGINE_FILES)) {
    names.set(name, await writeHashed(next, name, await engineFile(url)));
  }
  names.set("engine.extensions", await extensions(next));
  await Deno.writeTextFile(`${next}index.html`, await indexHtml(names));
  if (options.compress) await compressAll(next);
  await swapIn(next);
}

/** Whoever is ended in between leaves a whole page or none, and none is built anew. */
async function swapIn(next: string): Promise<void> {
  const old = `${SOURCES}dist.old.tmp/`;
  await removeIfThere(old);
  if (await modifiedAt(DIST) !== null) await Deno.rename(DIST, old);
  await Deno.rename(next, DIST);
  await removeIfThere(old);
}

/** Bundles the entry and its lazily loaded chunks; gives the hashed name of the entry. */
async function bundle(next: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--platform=browser", "--minify", "--sourcemap=linked", "--code-splitting", "--quiet"],
      ...["--outdir", `${next}assets`, `${SOURCES}app.ts`],
    ],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdout: "piped",
    stderr: "piped",
  });
  const output = await command.output();
  if (!output.success) {
    throw new Error(`Cannot build the page: deno bundle says ${new TextDecoder().decode(output.stderr)}`);
  }
  const script = await Deno.readTextFile(`${next}assets/app.js`);
  const name = hashedName("app.js", new TextEncoder().encode(script));
  const map = `${name}.map`;
  await Deno.writeTextFile(
    `${next}assets/${name}`,
    script.replace(/\/\/# sourceMappingURL=.*\s*$/, `//# sourceMappingURL=${map}\n`),
  );
  await Deno.rename(`${next}assets/app.js.map`, `${next}assets/${map}`);
  await Deno.remove(`${next}assets/app.js`);
  return name;
}

/** The lazily loaded chunks by the names of their sources, so that the page can ask for some of them early. */
async function chunks(next: string): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { name } of Deno.readDir(`${next}assets`)) {
    const match = /^([a-z_]+)-[A-Z0-9]{8}\.js$/.exec(name);
    if (match) found.push([`${match[1]}.js`, name]);
  }
  return found;
}

async function styles(): Promise<Uint8Array> {
  const library = fileURLToPath(import.meta.resolve("uplot/dist/uPlot.min.css"));
  const parts = [await Deno.readTextFile(library)];
  for (const path of STYLES) parts.push(await Deno.readTextFile(`${SOURCES}${path}`));
  return new TextEncoder().encode(parts.join("\n"));
}

/** A file of the engine's package, without its pointer to a source map that we do not serve. */
async function engineFile(url: string): Promise<Uint8Array> {
  const bytes = await Deno.readFile(fileURLToPath(url));
  if (!url.endsWith(".js")) return bytes;
  const script = new TextDecoder().decode(bytes).replace(/\/\/# sourceMappingURL=.*\s*$/, "");
  return new TextEncoder().encode(script);
}

/** Lays the engine's extensions out as it looks for them; gives the name of their folder, which carries their hash. */
async function extensions(next: string): Promise<string> {
  const folder = `ext-${
    digest(new TextEncoder().encode(ENGINE_EXTENSIONS.map((one) => one.sha256).join())).slice(0, 12)
  }`;
  for (const { path, url, sha256 } of ENGINE_EXTENSIONS) {
    const bytes = new Uint8Array(brotliDecompressSync(await Deno.readFile(fileURLToPath(url))));
    if (digest(bytes) !== sha256) throw new Error(`Cannot build the page: ${path} is not what was pinned`);
    const target = `${next}assets/${folder}/${path}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(target, bytes);
  }
  return folder;
}

/** `index.html` with each `/assets/<name>` replaced by the address of the hashed file. */
async function indexHtml(names: ReadonlyMap<string, string>): Promise<string> {
  const template = await Deno.readTextFile(`${SOURCES}index.html`);
  return template.replace(/\/assets\/([a-z_.]+)/g, (_, name: string) => {
    const hashed = names.get(name);
    if (!hashed) throw new Error(`Cannot build the page: index.html names ${name}, which nothing makes`);
    return `/assets/${hashed}`;
  });
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function writeHashed(next: string, name: string, bytes: Uint8Array): Promise<string> {
  const hashed = hashedName(name, bytes);
  await Deno.writeFile(`${next}assets/${hashed}`, bytes);
  return hashed;
}

function hashedName(name: string, bytes: Uint8Array): string {
  const hash = digest(bytes).slice(0, 12);
  const dot = name.lastIndexOf(".");
  return `${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
}

async function compressAll(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) await compressAll(`${folder}${entry.name}/`);
    else if (COMPRESSED.test(entry.name)) await compress(`${folder}${entry.name}`);
  }
}

async function compress(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const quality = bytes.length > 4_000_000 ? 9 : 11;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    [constants.BROTLI_PARAM_LGWIN]: 24,
  };
  await Deno.writeFile(`${path}.br`, new Uint8Array(brotliCompressSync(bytes, { params })));
  await Deno.writeFile(`${path}.gz`, new Uint8Array(gzipSync(bytes, { level: 9 })));
}

async function newest(path: string): Promise<number> {
  const info = await Deno.stat(path);
  if (!info.isDirectory) return info.mtime?.getTime() ?? 0;
  let latest = 0;
  for await (const entry of Deno.readDir(path)) {
    if (entry.name === "dist" || entry.name.endsWith(".tmp")) continue;
    const child = `${path.replace(/\/$/, "")}/${entry.name}`;
    latest = Math.max(latest, await newest(child));
  }
  return latest;
}

async function modifiedAt(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Ends the process when whoever started it is gone: then its standard input ends. */
async function endWithParent(): Promise<void> {
  await Deno.stdin.readable.pipeTo(new WritableStream());
  Deno.exit(1);
}

if (import.meta.main) {
  const started = performance.now();
  if (Deno.args.includes("--with-parent")) void endWithParent();
  await buildPage({ compress: !Deno.args.includes("--no-compress") });
  console.log(`built static/dist in ${Math.round(performance.now() - started)} ms`);
  Deno.exit(0);
}
