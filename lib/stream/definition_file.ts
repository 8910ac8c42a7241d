/** Files of definitions (windows, rules, routes): read whole or refused whole, every fault with its line and reason. */
import { type Document, LineCounter, parseDocument, visit } from "yaml";
import type { z } from "zod";
import { Fault } from "../errors.ts";
import { hash128 } from "./hash.ts";

/** What is wrong, and where in the file's structure. */
export interface DefinitionIssue {
  path: readonly PropertyKey[];
  message: string;
}

export interface DefinitionText {
  value: unknown;
  /** Line (from 1) on which what stands at `path` begins, or the nearest thing above it that exists. */
  lineOf(path: readonly PropertyKey[]): number;
}

const MAX_CHARACTERS = 1_000_000;

/** Parses YAML; `what` names the file in the refusal. */
export function readYaml(what: string, text: string): DefinitionText {
  if (text.length > MAX_CHARACTERS) {
    throw refusal(what, [{ path: [], message: `is longer than ${MAX_CHARACTERS} characters` }], () => 1);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const [{ message, pos }] = document.errors;
    throw refusal(what, [{ path: [], message }], () => lines.linePos(pos[0]).line);
  }
  return {
    value: valueOf(what, document, lines),
    lineOf(path) {
      for (let length = path.length; length >= 0; length--) {
        const node = document.getIn(path.slice(0, length), true);
        if (isRanged(node)) return lines.linePos(node.range[0]).line;
      }
      return 1;
    },
  };
}

/** The plain value; names that stand for too much (or for themselves), and half a pair, are refused like all else. */
function valueOf(what: string, document: Document, lines: LineCounter): unknown {
  visit(document, {
    Scalar(_, { value, range }) {
      if (typeof value !== "string" || value.isWellFormed()) return;
      const issue = { path: [], message: "holds half a surrogate pair" };
      throw refusal(what, [issue], () => lines.linePos(range?.[0] ?? 0).line);
    },
  });
  try {
    return document.toJS();
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw refusal(what, [{ path: [], message: error.message }], () => 1);
  }
}

/** Parses a file of `CONFIG_DIR`. One that is not there (null), and one that says nothing, say what `none` does. */
export function readConfigYaml(what: string, text: string | null, none: string): DefinitionText {
  return readYaml(what, text === null || saysNothing(text) ? none : text);
}

/** Empty, or nothing but comments. */
export function saysNothing(text: string): boolean {
  return text.split("\n").every((line) => /^\s*(#|$)/.test(line));
}

function isRanged(node: unknown): node is { range: [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

/** The Fault that names every issue; `lineOf` is absent when the definitions came as JSON. */
export function refusal(
  what: string,
  issues: readonly DefinitionIssue[],
  lineOf?: (path: readonly PropertyKey[]) => number,
): Fault {
  const fields = issues.map(({ path, message }) => {
    const field = path.map(String).join(".");
    const line = lineOf === undefined ? "" : `line ${lineOf(path)}: `;
    return {
      field,
      code: "refused",
      actual: `${line}${lineOf && path.length <= 1 ? "" : `${field} `}${message}`.trim(),
    };
  });
  const shown = fields.map(({ actual }) => actual).join("; ");
  return new Fault("definitions_refused", `Cannot take over ${what}: ${shown}`, {
    blame: "sender",
    retry: "never",
    fields,
  });
}

/** Issues of a zod error in our form; a union's own issues are those of the branch that came furthest. */
export function issuesOf(error: z.ZodError): DefinitionIssue[] {
  return error.issues.flatMap((issue) => flatten(issue, []));
}

function flatten(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): DefinitionIssue[] {
  const path = [...above, ...issue.path];
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [{ path, message: issue.message }];
  const furthest = issue.errors.reduce((best, branch) => reach(branch) > reach(best) ? branch : best);
  return furthest.flatMap((inner) => flatten(inner, path));
}

function reach(branch: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...branch.map((issue) => issue.path.length)) - branch.length / 100;
}

/** Hash of a definition's own text: equal for equal JSON, whatever the order of keys. */
export function versionOf(definition: unknown): string {
  return hash128(canonical(definition));
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const keys = Object.keys(value).filter((key) => (value as Record<string, unknown>)[key] !== undefined)
    .sort();
  return `{${
    keys.map((key) => `${JSON.stringify(key)}:${canonical((value as Record<string, unknown>)[key])}`)
  }}`;
}
