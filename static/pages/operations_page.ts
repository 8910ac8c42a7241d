/** Operations: how far each partition is, what waits, whether every event adds up, and the records of a partition. */
import { messageOf } from "../../lib/errors.ts";
import { pipelineStrip } from "../dashboard/pipeline_strip.ts";
import type { TableInfo } from "../engine/lake.ts";
import { getJson, type Page, reach } from "../shared/api.ts";
import { dataTable } from "../shared/data_table.ts";
import { h, settle } from "../shared/dom.ts";
import { ago, bytes, count, duration, plural, utc } from "../shared/format.ts";
import type { LiveAccount, LiveStage } from "../shared/live.ts";
import {
  card,
  faultNotice,
  type PageContext,
  pageHead,
  repeat,
  type ShowPage,
  TRIED_AGAIN,
} from "../shared/page.ts";
import { hashOf } from "../shared/place.ts";
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
  compaction?: { waiting_files: number; files?: number; bytes?: number; last_run: string | null } | null;
  stages?: readonly LiveStage[];
  rules?: unknown;
  versions?: Readonly<Record<string, string>>;
}

const EVERY_MS = 3_000;
/** The list of tables costs more and changes slower. */
const TABLES_EVERY_MS = 12_000;

export const show: ShowPage = (place, context, signal) => {
  const head = h("p", { class: "muted" }, "Asking…");
  const strip = pipelineStrip();
  const [partitions, accounting, facts, health, tables] = [h("div"), h("div"), h("div"), h("div"), h("div")];
  place.append(
    pageHead(
      "Operations",
      "The pipeline as it stands now: lag, checkpoints, what is published, and the proof that nothing is lost.",
    ),
    head,
    strip.element,
    h(
      "div",
      { class: "operations" },
      wide(card("Partitions", partitions)),
      wide(card("Every event adds up", accounting)),
      card("State", facts),
      card("Health", health),
      wide(card("Records of a partition", recordsForm(context))),
      wide(card("Commits and files", tables)),
    ),
  );
  repeat(
    async () => {
      try {
        const status = await getJson<Status>("/api/status", {}, signal);
        head.textContent = headline(status);
        settle(partitions, partitionTable(status.partitions));
        settle(accounting, accountTable(status.accounting));
        settle(facts, factList(status));
        if (status.stages) strip.show({ metrics: {}, stages: status.stages });
      } catch (error) {
        if (!signal.aborted) settle(partitions, faultNotice(error, TRIED_AGAIN));
      }
      await showHealth(health, signal);
    },
    EVERY_MS,
    signal,
  );
  repeat(() => showTables(tables, signal), TABLES_EVERY_MS, signal);
};

function wide(element: HTMLElement): HTMLElement {
  element.classList.add("is-wide");
  return element;
}

async function showTables(place: HTMLElement, signal: AbortSignal): Promise<void> {
  try {
    const { items } = await getJson<Page<TableInfo>>("/api/tables", { limit: 1000 }, signal);
    const written = items.filter((one) => one.kind === "table" && Number(one.files ?? 0) > 0);
    written.sort((a, b) => (b.committed_at ?? "").localeCompare(a.committed_at ?? ""));
    settle(place, commitTable(written));
  } catch (error) {
    if (!signal.aborted) settle(place, faultNotice(error, TRIED_AGAIN));
  }
}

function commitTable(tables: readonly TableInfo[]): HTMLElement {
  const perFile = (one: TableInfo) => Number(one.bytes ?? 0) / Math.max(1, Number(one.files ?? 0));
  return dataTable<TableInfo>(
    [
      { name: "Table", cell: (one) => h("a", { href: hashOf("tables", one.name) }, one.name) },
      { name: "Last commit", cell: (one) => one.committed_at ? ago(one.committed_at, Date.now()) : "–" },
      { name: "Snapshot", cell: (one) => h("code", { class: "muted" }, String(one.snapshot_id ?? "–")) },
      { name: "Rows", cell: (one) => count(one.rows), isNumber: true },
      { name: "Files", cell: (one) => count(one.files), isNumber: true },
      { name: "Size", cell: (one) => bytes(one.bytes), isNumber: true },
      { name: "A file", cell: (one) => bytes(perFile(one)), isNumber: true },
    ],
    tables,
    { caption: "Commits and files", empty: "Nothing was committed yet." },
  );
}

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
      { name: "Lag", cell: (one) => plural(one.lag_records, "record"), isNumber: true },
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
  const { spill, compaction, rules, versions } = status;
  const facts: [string, Node | string][] = [];
  if (spill) facts.push(["Spill", spillWords(spill)]);
  if (compaction) facts.push(["Compaction", compactionWords(compaction)]);
  if (rules) facts.push(["Rules", h("code", {}, typeof rules === "string" ? rules : JSON.stringify(rules))]);
  if (versions) {
    const words = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
    facts.push(["Versions", words]);
  }
  return h(
    "dl",
    { class: "facts" },
    ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

function spillWords(spill: NonNullable<Status["spill"]>): string {
  if (spill.records === 0) return "empty: nothing waits for the log";
  return `${plural(spill.records, "record")}, ${bytes(spill.bytes)}, oldest ${
    duration(spill.oldest_seconds)
  }`;
}

function compactionWords(compaction: NonNullable<Status["compaction"]>): string {
  const { waiting_files, files, bytes: size, last_run } = compaction;
  const all = files === undefined ? "" : ` of ${plural(files, "file")} (${bytes(size)})`;
  const last = last_run ? `last committed ${ago(last_run, Date.now())}` : "none committed yet";
  return `${plural(waiting_files, "file")}${all} came since; ${last}`;
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
    const response = await reach("/readyz", { signal });
    const health = await response.json() as { status: string; role?: string; dependencies?: Dependency[] };
    const dependencies = dataTable<Dependency>(
      [
        { name: "Dependency", cell: (one) => one.name },
        { name: "Condition", cell: (one) => tag(one.condition) },
        { name: "Asked", cell: (one) => `${duration(one.age_seconds)} ago`, isNumber: true },
        { name: "Detail", cell: (one) => one.detail ?? "" },
      ],
      health.dependencies ?? [],
      { caption: "Dependencies", empty: "It depends on nothing." },
    );
    settle(place, h("p", {}, `Role ${health.role ?? "all"}: `, tag(health.status)), dependencies);
  } catch (error) {
    const message = messageOf(error);
    if (!signal.aborted) {
      settle(place, h("p", { class: "muted" }, `Health cannot be read: ${message} ${TRIED_AGAIN}`));
    }
  }
}

/** Looks records up by offset or time, as one does in a broker's own tool; the answer opens in the editor. */
function recordsForm(context: PageContext): HTMLElement {
  const partition = h("input", { type: "number", min: 0, value: 0, name: "partition" });
  const offset = h("input", { type: "number", min: 0, name: "offset", placeholder: "newest" });
  const time = h("input", { type: "datetime-local", step: 1, name: "time" });
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
    const sql = recordsSql(Number(partition.value), offset.value, time.value);
    context.openQuery({ title: `Partition ${partition.value}`, sql });
  });
  return form;
}

function recordsSql(partition: number, offset: string, time: string): string {
  const conditions = [`log_partition = ${Math.trunc(partition)}`];
  if (/^\d+$/.test(offset)) conditions.push(`log_offset >= ${offset}`);
  if (time) conditions.push(`received_at >= TIMESTAMP ${quoteText(time.replace("T", " "))}`);
  const order = offset || time ? "log_offset" : "log_offset DESC";
  return `SELECT log_partition, log_offset, received_at, source, kind, event_id, outcome, body
FROM raw.events
WHERE ${conditions.join(" AND ")}
ORDER BY ${order}
LIMIT 500;
`;
}
