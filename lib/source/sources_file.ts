/** `config/sources.yaml`: what is configured of each source, read whole or refused whole with line and reason. */
import { z } from "zod";
import { isSourceName } from "./source_name.ts";
import { issuesOf, readConfigYaml, refusal } from "../stream/definition_file.ts";
import { Duration } from "../stream/duration.ts";

const WHAT = "sources.yaml";
/** Sources that are no senders. */
const RESERVED = ["millrace", "demo", "kafka", "token"];
/** `$.` and brackets are another notation: taken for names, such a path would silently replace nothing. */
const Path = z.string().regex(
  /^(?!\$\.)[^.[\]]+(\.[^.[\]]+)*$/,
  "is no path: names joined by dots, * for every member or element",
);
const Origin = z.string().regex(/^(\*|[a-z0-9.:/\[\]-]+)$/i, "is no origin, and not *");

const SourceEntry = z.strictObject({
  /** Another sender whose signature and mapping this one shares. */
  like: z.string().optional(),
  /** How long ids are remembered; the settings say it otherwise. */
  dedup_window: Duration.optional(),
  /** Paths of values that are replaced by keyed tokens before anything is stored. */
  redact: z.array(Path).min(1).max(100).optional(),
  /** Origins that the CloudEvents handshake allows. */
  origins: z.array(Origin).max(100).optional(),
  /** Kind of records that another program wrote without naming one. */
  kind: z.string().optional(),
});

const File = z.strictObject({ sources: z.record(z.string(), SourceEntry.nullable()).nullable().optional() });

export type SourceEntry = z.output<typeof SourceEntry>;
export type SourceEntries = Readonly<Record<string, SourceEntry>>;

export interface SourcesFileLimits {
  /** Names that `like` may have. */
  senders: readonly string[];
  kinds: readonly string[];
  /** Whether REDACT_KEY is set. */
  can_redact: boolean;
}

/** Entries by source name; throws a Fault that names every fault with its line. */
export function readSourcesFile(text: string, limits: SourcesFileLimits): SourceEntries {
  const { value, lineOf } = readConfigYaml(WHAT, text, "sources: {}");
  const parsed = File.safeParse(value);
  if (!parsed.success) throw refusal(WHAT, issuesOf(parsed.error), lineOf);
  const entries: Record<string, SourceEntry> = {};
  for (const [name, entry] of Object.entries(parsed.data.sources ?? {})) entries[name] = entry ?? {};
  const issues = Object.entries(entries).flatMap(([name, entry]) =>
    issuesOfEntry(name, entry, limits).map(([field, message]) => ({
      path: field === "" ? ["sources", name] : ["sources", name, field],
      message,
    }))
  );
  if (issues.length > 0) throw refusal(WHAT, issues, lineOf);
  return entries;
}

/** What only the rest of the configuration can tell. */
function issuesOfEntry(name: string, entry: SourceEntry, limits: SourcesFileLimits): [string, string][] {
  const issues: [string, string][] = [];
  if (!isSourceName(name)) issues.push(["", "is no name of a source: a-z, 0-9, _"]);
  if (entry.like !== undefined && !limits.senders.includes(entry.like)) {
    issues.push(["like", `is none of ${limits.senders.join(", ")}`]);
  }
  if (entry.like !== undefined && limits.senders.includes(name)) {
    issues.push(["like", `cannot change ${name}, which has a form of its own`]);
  }
  if (entry.like !== undefined && RESERVED.includes(name)) {
    issues.push(["like", `cannot be said of ${name}, which belongs to the program`]);
  }
  if (entry.redact !== undefined && !limits.can_redact) {
    issues.push(["redact", "needs the setting REDACT_KEY"]);
  }
  if (entry.redact !== undefined && name === "kafka") {
    issues.push(["redact", "cannot be said of kafka: what other programs write is on the log already"]);
  }
  if (entry.kind !== undefined && name !== "kafka") issues.push(["kind", "is for the source kafka only"]);
  if (entry.kind !== undefined && !limits.kinds.includes(entry.kind)) {
    issues.push(["kind", `is none of ${limits.kinds.join(", ")}`]);
  }
  if (entry.origins !== undefined && name !== "cloud_events") {
    issues.push(["origins", "are for the source cloud_events only"]);
  }
  return issues;
}
