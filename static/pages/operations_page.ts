/** Operations: how far each partition is, what waits, whether every event adds up, and the records of a partition. */
import { getJson } from "../shared/api.ts";
import { dataTable } from "../shared/data_table.ts";
import { h, replace } from "../shared/dom.ts";
import { bytes, count, duration, utc } from "../shared/format.ts";
import type { LiveAccount } from "../shared/live.ts";
import { card, faultNotice, type PageContext, pageHead, repeat, type ShowPage } from "../shared/page.ts";
import { quoteText } from "../sql/names.ts";
import { accountTable } from "./account_table.ts";
import { tag } from "./severity.ts";

interface PartitionState {
  partition: number;
  end_offset: number | string;
  next_offset: number | string;
  published_offset: number | string;
  lag_records: number;
  lag_seconds: number | null;
  watermark: string | null;
  checkpoint: number | string;
  epoch: number | string;
}

interface Status {
  settled: boolean;
  as_of?: string;
  partitions: readonly PartitionState[];
  accounting: readonly LiveAccount[];
  spill?: { records: number; bytes: number; oldest_seconds: number | null } | null;
  freshness_seconds?: number | null;
  compaction?: unknown;
  stages?: unknown;
  rules?: unknown;
}

const EVERY_MS = 3_000;

export const show: ShowPage = (place, context, signal) => {
  const head = h("p", { class: "muted", role: "status" });
  const partitions = h("div");
  const accounting = h("div");
  const facts = h("div");
  const health = h("div");
  place.append(
    pageHead(
      "Operations",
      "The pipeline as it stands now: lag, checkpoints, what is published, and the proof that nothing is lost.",
    ),
    head,
    h(
      "div",
      { class: "operations" },
      card("Partitions", partitions),
      card("Every event adds up", accounting),
      card("State", facts),
      card("Health", health),
      card("Records of a partition", recordsForm(context)),
    ),
  );
  repeat(
    async () => {
      try {
        const status = await getJson<Status>("/api/status", {}, signal);
        head.textContent = headline(status);
        replace(partitions, partitionTable(status.partitions));
        replace(accounting, accountTable(status.accounting));
        replace(facts, factList(status));
      } catch (error) {
        if (!signal.aborted) replace(partitions, faultNotice(error));
      }
      await showHealth(health, signal);
    },
    EVERY_MS,
    signal,
  );
};

function headline(status: Status): string {
  const when = status.as_of ? `, as of ${utc(status.as_of)} UTC` : "";
  const freshness = status.freshness_seconds === null || status.freshness_seconds === undefined
    ? ""
    : ` Rows are queryable ${duration(status.freshness_seconds)} after they arrive.`;
  return (status.settled
    ? `Settled${when}: every durable record is processed, decided and published.`
    : `Working${when}: some records are not published yet.`) + freshness;
}

function partitionTable(partitions: readonly PartitionState[]): HTMLElement {
  return dataTable<PartitionState>(
    [
      { name: "Partition", cell: (one) => one.partition, isNumber: true },
      { name: "Log end", cell: (one) => count(one.end_offset), isNumber: true },
      { name: "Next to process", cell: (one) => count(one.next_offset), isNumber: true },
      { name: "Published", cell: (one) => count(one.published_offset), isNumber: true },
      { name: "Lag", cell: (one) => `${count(one.lag_records)} records`, isNumber: true },
      { name: "Behind", cell: (one) => duration(one.lag_seconds), isNumber: true },
      { name: "Watermark (UTC)", cell: (one) => utc(one.watermark) },
      { name: "Checkpoint", cell: (one) => count(one.checkpoint), isNumber: true },
      { name: "Epoch", cell: (one) => count(one.epoch), isNumber: true },
    ],
    [...partitions].sort((a, b) => a.partition - b.partition),
    { caption: "Partitions", empty: "No partition is there yet." },
  );
}

function factList(status: Status): HTMLElement {
  const facts: [string, Node | string][] = [];
  if (status.spill) {
    const oldest = status.spill.records > 0 ? `, oldest ${duration(status.spill.oldest_seconds)}` : "";
    facts.push(["Spill", `${count(status.spill.records)} records, ${bytes(status.spill.bytes)}${oldest}`]);
  }
  for (const name of ["compaction", "stages", "rules"] as const) {
    const value = status[name];
    if (value !== undefined && value !== null) {
      facts.push([name[0].toUpperCase() + name.slice(1), structure(value)]);
    }
  }
  return h(
    "dl",
    { class: "facts" },
    ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

/** Any JSON as readable lines. */
function structure(value: unknown): Node | string {
  if (typeof value !== "object" || value === null) return String(value);
  const lines = Object.entries(value).map(([name, inner]) =>
    h(
      "li",
      {},
      h("span", { class: "muted" }, `${name} `),
      typeof inner === "object" ? JSON.stringify(inner) : String(inner),
    )
  );
  return h("ul", { class: "structure" }, ...lines);
}

interface Dependency {
  name: string;
  condition: string;
  age_seconds?: number;
  detail?: string;
}

async function showHealth(place: HTMLElement, signal: AbortSignal): Promise<void> {
  try {
    // 503 is an answer here: it says what is missing.
    const response = await fetch("/readyz", { signal });
    const health = await response.json() as { status: string; role?: string; dependencies?: Dependency[] };
    const dependencies = dataTable<Dependency>(
      [
        { name: "Dependency", cell: (one) => one.name },
        { name: "Condition", cell: (one) => tag(one.condition) },
        { name: "For", cell: (one) => duration(one.age_seconds), isNumber: true },
        { name: "Detail", cell: (one) => one.detail ?? "" },
      ],
      health.dependencies ?? [],
      { caption: "Dependencies", empty: "It depends on nothing." },
    );
    replace(place, h("p", {}, `Role ${health.role ?? "all"}: `, tag(health.status)), dependencies);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!signal.aborted) replace(place, h("p", { class: "muted" }, `Health cannot be read: ${message}`));
  }
}

/** Looks records up by offset or time, as one does in a broker's own tool; the answer opens in the editor. */
function recordsForm(context: PageContext): HTMLElement {
  const partition = h("input", { type: "number", min: 0, value: 0, name: "partition" });
  const offset = h("input", { type: "number", min: 0, name: "offset", placeholder: "newest" });
  const time = h("input", { type: "text", name: "time", placeholder: "2026-01-31T09:30:00Z" });
  const form = h(
    "form",
    { class: "filters" },
    h("label", { class: "field" }, "Partition", partition),
    h("label", { class: "field" }, "From offset", offset),
    h("label", { class: "field" }, "or received from (UTC)", time),
    h("button", { type: "submit", class: "button" }, "Show records"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const sql = recordsSql(Number(partition.value), offset.value, time.value.trim());
    context.openQuery({ title: `Partition ${partition.value}`, sql });
  });
  return form;
}

function recordsSql(partition: number, offset: string, time: string): string {
  const conditions = [`log_partition = ${Math.trunc(partition)}`];
  if (/^\d+$/.test(offset)) conditions.push(`log_offset >= ${offset}`);
  if (time) conditions.push(`received_at >= ${quoteText(time.replace(/Z$/i, ""))}::TIMESTAMP`);
  const order = offset || time ? "log_offset" : "log_offset DESC";
  return `SELECT log_partition, log_offset, received_at, source, kind, event_id, outcome, body
FROM raw.events
WHERE ${conditions.join(" AND ")}
ORDER BY ${order}
LIMIT 500;
`;
}
