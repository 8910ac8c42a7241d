/** The house rules, so that nobody needs reminding: who may import whom, first sentences, names in the README. */
import { deepStrictEqual } from "node:assert/strict";
import { SETTINGS } from "../lib/setting_list.ts";
import { METRIC_PREFIX, METRICS } from "../lib/observe/metric_names.ts";
import { COMMANDS } from "../commands/commands.ts";
import { ROUTES } from "../routes/openapi.ts";
import { PLANTED_BUGS } from "./faults/planted_bugs.ts";

interface Source {
  path: string;
  text: string;
  imports: string[];
}

async function walk(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory && entry.name !== "dist") found.push(...await walk(path));
    else if (entry.name.endsWith(".ts")) found.push(path);
  }
  return found;
}

/** What a file imports, ours as paths from the root. `import type` counts only where types matter. */
function importsOf(path: string, text: string, withTypes: boolean): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)"/gms)) {
    if (match[1] && !withTypes) continue;
    found.push(match[2].startsWith(".") ? resolve(path, match[2]) : match[2]);
  }
  return found;
}

function resolve(from: string, relative: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const step of relative.split("/")) {
    if (step === "..") parts.pop();
    else if (step !== ".") parts.push(step);
  }
  return parts.join("/");
}

const paths = [
  "main.ts",
  ...(await Promise.all(["lib", "commands", "routes", "workers", "static"].map(walk))).flat(),
]
  .sort();
const sources: Source[] = await Promise.all(paths.map(async (path) => {
  const text = await Deno.readTextFile(path);
  return { path, text, imports: importsOf(path, text, false) };
}));

/** Files under `from` that import (values, not types) something that `isForbidden`. */
function offenders(from: string, isForbidden: (target: string) => boolean): string[] {
  return sources.filter(({ path }) => path.startsWith(from)).flatMap(({ path, imports }) =>
    imports.filter(isForbidden).map((target) => `${path} imports ${target}`)
  );
}

const ADAPTERS =
  /^lib\/.*\/(sqlite|kept|kafka|disk|s3|file|rest|duckdb)_(log|store|catalog|engine|assignment)\.ts$/;
const VENDORS: Record<string, RegExp> = {
  kafkajs: /^lib\/log\/kafka/,
  "node:sqlite": /^lib\/log\//,
  "@aws-sdk/client-s3": /^lib\/store\/s3/,
  "@aws-sdk/s3-request-presigner": /^lib\/store\/s3/,
  "@duckdb/node-api": /^(lib\/(query|parquet)\/|workers\/query)/,
  "@duckdb/duckdb-wasm": /^static\/engine\//,
};

Deno.test("a file begins with a sentence that says its one idea", () => {
  const silent = sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*[\s*]+[A-Z0-9`"][^]*?\*\//.test(text)).map((
    { path },
  ) => path);
  deepStrictEqual(silent, []);
});

Deno.test("errors, clock and settings import nothing of ours but one another", () => {
  const settings = ["lib/config.ts", "lib/setting_list.ts", "lib/setting_parts.ts"];
  for (const file of ["lib/errors.ts", "lib/clock.ts", ...settings]) {
    deepStrictEqual(offenders(file, (target) => target.startsWith("lib/") && !settings.includes(target)), []);
  }
});

Deno.test("only connect names adapters, beside the worker that owns one and adapters of the same folder", () => {
  const found = sources.flatMap(({ path, imports }) =>
    imports.filter((target) =>
      ADAPTERS.test(target) && path !== "lib/connect.ts" && !isNeighbour(path, target)
    )
      .map((target) => `${path} imports ${target}`)
  );
  deepStrictEqual(found, []);
});

function isNeighbour(path: string, target: string): boolean {
  const folder = (file: string) => file.split("/").slice(0, -1).join("/");
  return folder(path) === folder(target) ||
    (path === "workers/log_keeper.ts" && target === "lib/log/sqlite_log.ts");
}

Deno.test("routes see ports, never adapters or workers; workers never see routes", () => {
  deepStrictEqual(
    offenders("routes/", (target) => ADAPTERS.test(target) || target.startsWith("workers/")),
    [],
  );
  deepStrictEqual(offenders("workers/", (target) => target.startsWith("routes/")), []);
});

Deno.test("iceberg and parquet know nothing of events", () => {
  const isEvents = (target: string) => /^lib\/(event|source|stream|partition|lake|alert)\//.test(target);
  deepStrictEqual([...offenders("lib/iceberg/", isEvents), ...offenders("lib/parquet/", isEvents)], []);
});

Deno.test("nothing imports tests", () => {
  deepStrictEqual(offenders("", (target) => target.startsWith("tests/")), []);
});

Deno.test("a vendor package is imported by its adapter only", () => {
  const found = Object.entries(VENDORS).flatMap(([vendor, allowed]) =>
    sources.filter(({ path, imports }) => imports.includes(vendor) && !allowed.test(path)).map(({ path }) =>
      `${path}: ${vendor}`
    )
  );
  deepStrictEqual(found, []);
});

Deno.test("pure folders touch no clock, no Deno, no network, no chance", () => {
  const impure = /\bDeno\.|Date\.now\(|Math\.random\(|\bfetch\(|new Date\(\)|randomUUID/;
  const found = sources.filter(({ path }) => /^lib\/(event|stream)\//.test(path))
    .filter(({ text }) => impure.test(text.replace(/\/\*[^]*?\*\/|\/\/.*/g, ""))).map(({ path }) => path);
  deepStrictEqual(found, []);
});

Deno.test("imports form no circle", () => {
  const bySource = new Map(sources.map(({ path, imports }) => [path, imports]));
  const circles: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (path: string, trail: string[]) => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      return void circles.push([...trail.slice(trail.indexOf(path)), path].join(" > "));
    }
    state.set(path, "open");
    for (const target of bySource.get(path) ?? []) if (bySource.has(target)) visit(target, [...trail, path]);
    state.set(path, "done");
  };
  for (const { path } of sources) visit(path, []);
  deepStrictEqual(circles, []);
});

/** What the program shows for others to check themselves by. */
const FOR_CHECKS = ["routesOf"];

Deno.test("what is exported is used by the program, not by tests alone", () => {
  const files = sources.map(({ text }) => new Set(text.match(/\w+/g)));
  const isUsedIn = (text: string, name: string) => text.split(new RegExp(`\\b${name}\\b`)).length > 2;
  const found = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm)]
      .map(([, name]) => name)
      .filter((name) => !FOR_CHECKS.includes(name) && !isUsedIn(text, name))
      .filter((name) => files.filter((words) => words.has(name)).length === 1)
      .map((name) => `${path}: ${name}`)
  );
  deepStrictEqual(found, []);
});

Deno.test("no left-over marks, no `any`, no empty catch", () => {
  const marks = /\b(TODO|FIXME|XXX:)|: any\b|\bas any\b|as unknown as|catch *(\([a-z_]*\))? *\{ *\}/;
  const found = sources.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, i) => marks.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : [])
  );
  deepStrictEqual(found, []);
});

Deno.test("every setting, metric and route stands in the README", async () => {
  const readme = await Deno.readTextFile("README.md");
  const names = [
    ...Object.keys(SETTINGS),
    ...Object.keys(METRICS).map((name) => METRIC_PREFIX + name),
    ...ROUTES.map(({ method, path }) => `\`${method} ${path}\``),
  ];
  deepStrictEqual(names.filter((name) => !readme.includes(name)), []);
});

Deno.test("every setting has an effect and every metric is told", async () => {
  const commands = await Promise.all((await walk("commands")).map((path) => Deno.readTextFile(path)));
  const declared = ["lib/setting_list.ts", "lib/observe/metric_names.ts"];
  const code = [
    ...sources.filter(({ path }) => !declared.includes(path)).map(({ text }) => text),
    ...commands,
  ]
    .join("\n");
  // Taken apart by the reading of settings itself.
  const isRead = (name: string) => code.includes(name) || code.includes(name.toLowerCase());
  deepStrictEqual(Object.keys(SETTINGS).filter((name) => !isRead(name)), []);
  deepStrictEqual(Object.keys(METRICS).filter((name) => !code.includes(`"${name}"`)), []);
});

Deno.test("every command stands in the README", async () => {
  const readme = await Deno.readTextFile("README.md");
  const isTold = (name: string) => new RegExp(`(\`|main\\.ts |task )${name}\\b`).test(readme);
  deepStrictEqual(COMMANDS.flatMap(({ names }) => names).filter((name) => !isTold(name)), []);
});

Deno.test("each planted bug can still be planted (tests/faults/planted_bugs.ts)", async () => {
  const faults: string[] = [];
  for (const { bug, file, from, test } of PLANTED_BUGS) {
    const times = (await Deno.readTextFile(file)).split(from).length - 1;
    if (times !== 1) {
      faults.push(`${bug}: ${file} holds ${times} times ${from}; plant it in what took its place`);
    }
    await Deno.stat(test);
  }
  deepStrictEqual(faults, []);
});

Deno.test("every bench stands in the README", async () => {
  const readme = await Deno.readTextFile("README.md");
  const figures = readme.slice(readme.indexOf("## Figures"), readme.indexOf("## Settings"));
  const benches = await Promise.all((await walk("tests/bench")).map((path) => Deno.readTextFile(path)));
  const names = benches.flatMap((text) => /: Bench = \{\s+name: "(\w+)"/.exec(text)?.[1] ?? []);
  deepStrictEqual([names.length > 0, names.filter((name) => !figures.includes(`\`${name}\``))], [true, []]);
});
