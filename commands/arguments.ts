/** Command line arguments taken apart: `--name value`, `--flag`, and what stands by itself. */
import { Fault } from "../lib/errors.ts";

export interface Arguments {
  words: string[];
  options: Record<string, string>;
  flags: Set<string>;
}

export interface Expected {
  /** Options that take a value. */
  options?: readonly string[];
  flags?: readonly string[];
  /** Words that must and may stand by themselves. */
  words?: readonly [min: number, max: number];
}

/** Refuses what is not expected, in a sentence. */
export function parseArguments(args: readonly string[], expected: Expected): Arguments {
  const { options = [], flags = [], words: [min, max] = [0, 0] } = expected;
  const parsed: Arguments = { words: [], options: {}, flags: new Set() };
  for (let i = 0; i < args.length; i++) {
    const [name, inline] = splitOption(args[i]);
    if (name === null) parsed.words.push(args[i]);
    else if (flags.includes(name) && inline === null) parsed.flags.add(name);
    else if (options.includes(name)) {
      const value = inline ?? args[++i];
      if (value === undefined) throw wrongUsage(`--${name} needs a value`);
      parsed.options[name] = value;
    } else throw wrongUsage(`there is no option --${name} here`);
  }
  if (parsed.words.length < min || parsed.words.length > max) {
    throw wrongUsage(parsed.words.length < min ? "something is missing" : `what is ${parsed.words[max]}?`);
  }
  return parsed;
}

function splitOption(argument: string): [string | null, string | null] {
  if (!argument.startsWith("--")) return [null, null];
  const at = argument.indexOf("=");
  return at < 0 ? [argument.slice(2), null] : [argument.slice(2, at), argument.slice(at + 1)];
}

export function wrongUsage(reason: string): Fault {
  return new Fault("usage", `Cannot understand the command: ${reason}`, { blame: "sender", retry: "never" });
}

/** A whole number within bounds. */
export function wholeOption(
  parsed: Arguments,
  name: string,
  fallback: number,
  bounds: [number, number],
): number {
  const text = parsed.options[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < bounds[0] || value > bounds[1]) {
    throw wrongUsage(`--${name} must be a whole number from ${bounds[0]} to ${bounds[1]}`);
  }
  return value;
}
