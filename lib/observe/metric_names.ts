/** Every metric that leaves the process: its name, kind, labels and one sentence; the prefix is `millrace_`. */

export type MetricKind = "counter" | "gauge" | "histogram";

interface Declaration {
  kind: MetricKind;
  labels: readonly string[];
  help: string;
  /** Upper bounds of a histogram's buckets, in the unit of its name. */
  buckets?: readonly number[];
}

const LATENCY_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const WORK_S = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

const counter = (labels: readonly string[], help: string) => ({ kind: "counter", labels, help } as const);
const gauge = (labels: readonly string[], help: string) => ({ kind: "gauge", labels, help } as const);
const histogram = (labels: readonly string[], buckets: readonly number[], help: string) =>
  ({ kind: "histogram", labels, buckets, help }) as const;

export const METRICS = {
  events_accepted_total: counter(["source"], "Records made durable on the log, by source."),
  requests_rejected_total: counter(["source", "status"], "Requests of the door that were not accepted."),
  requests_total: counter(["route", "status"], "Answers of the server, by route and status."),
  rows_total: counter(["table"], "Rows of decided checkpoints, by table."),
  dead_letters_total: counter(["source", "reason"], "Records that became dead letters."),
  duplicates_total: counter(["source"], "Records that repeated an earlier one."),
  alerts_total: counter(["rule", "severity"], "Alerts raised, by rule."),
  alerts_suppressed_total: counter(["rule"], "Alerts held back by a cool-down, by rule."),
  alerts_suppressed_open: gauge(["rule"], "Firings held back since the last alert of their key, by rule."),
  events_by_kind_total: counter(["kind"], "Records made durable on the log, by kind."),
  late_events_total: counter(["source"], "Rows that came after the allowed lateness."),
  dedup_ids_dropped_total: counter(["partition"], "Remembered ids that were dropped for want of room."),
  deliveries_total: counter(["target", "outcome"], "Attempts to send an alert to a webhook."),
  models_total: counter(["model", "state"], "Refreshes of models: made, unchanged or failed."),
  quality_failures_total: counter(["check"], "Failing results of checks of data quality."),
  lag_records: gauge(["partition"], "Records of the log that no checkpoint holds yet."),
  lag_seconds: gauge(["partition"], "How long the oldest of them has waited."),
  watermark_ahead_seconds: gauge(
    ["partition"],
    "How far the time of a partition is ahead of the clock, beyond what events may be.",
  ),
  freshness_seconds: gauge([], "Age of the newest record that can be queried, while there is newer."),
  dependency_up: gauge(["dependency"], "Whether what the role depends on does its work (1) or is down (0)."),
  spill_bytes: gauge([], "Bytes that wait beside the log because the broker is away."),
  spill_records: gauge([], "Records that wait beside the log because the broker is away."),
  spill_oldest_seconds: gauge([], "How long the oldest of them has waited."),
  active_windows: gauge([], "Windows that are open."),
  active_sessions: gauge([], "Session windows that are open."),
  checkpoint_bytes: gauge(["partition"], "Size of the newest segment."),
  table_files: gauge(["table"], "Live data files of a table."),
  table_rows: gauge(["table"], "Rows of a table's newest snapshot."),
  table_bytes: gauge(["table"], "Bytes of a table's live data files."),
  live_clients: gauge([], "Browsers that follow the live numbers."),
  audit_problems: gauge([], "Problems that the newest audit found."),
  worker_restarts_total: counter(["worker"], "Workers started again after they ended unexpectedly."),
  queries_total: counter(["outcome"], "Queries of the API, by outcome."),
  process_resident_bytes: gauge([], "Resident memory of the process."),
  process_uptime_seconds: gauge([], "Seconds since the process began."),
  append_seconds: histogram([], LATENCY_S, "Time until appended records were durable."),
  checkpoint_seconds: histogram([], WORK_S, "Time to write a segment and decide its checkpoint."),
  publish_seconds: histogram(["table"], WORK_S, "Time to publish decided rows into a table."),
  query_seconds: histogram([], WORK_S, "Time of queries of the API."),
  request_seconds: histogram(["route"], LATENCY_S, "Time until an answer began, by route."),
} satisfies Record<string, Declaration>;

export type MetricName = keyof typeof METRICS;
export type NameOf<K extends MetricKind> = {
  [N in MetricName]: (typeof METRICS)[N]["kind"] extends K ? N : never;
}[MetricName];
export type LabelsOf<N extends MetricName> = Readonly<
  Record<(typeof METRICS)[N]["labels"][number], string>
>;

export const METRIC_PREFIX = "millrace_";

/** The declaration of a name that may come from another thread; undefined for a name that is not ours. */
export function declarationOf(name: string): Declaration | undefined {
  return Object.hasOwn(METRICS, name) ? METRICS[name as MetricName] : undefined;
}
