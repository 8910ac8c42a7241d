/** Alerts: newest first, with who has seen them, and the events that caused each one click away in the editor. */
import { getJson, send } from "../shared/api.ts";
import { dataTable } from "../shared/data_table.ts";
import { openDialog } from "../shared/dialog.ts";
import { announce, h, replace } from "../shared/dom.ts";
import { plural, utc } from "../shared/format.ts";
import { faultNotice, type PageContext, pageHead, type ShowPage } from "../shared/page.ts";
import { quoteIdentifier, quoteText } from "../sql/names.ts";
import { ListView } from "./list_page.ts";
import { tag } from "./severity.ts";

interface Alert {
  alert_id: string;
  rule: string;
  rule_version?: string | null;
  severity: string;
  key?: string | null;
  user_id?: string | null;
  source?: string | null;
  event_id?: string | null;
  log_offset?: number | string | null;
  event_time: string;
  detected_at?: string | null;
  description: string;
  trigger_event_ids?: readonly string[] | null;
  context?: { count?: number | null; window_ms?: number | null; field?: string | null } | null;
  acknowledged_at?: string | null;
  acknowledged_by?: string | null;
}

export const show: ShowPage = (place, context, signal) => {
  const outcome = h("div", { class: "outcome" });
  const suppressed = h("p", { class: "muted suppressed" });
  const list: ListView<Alert> = new ListView({
    path: "/api/alerts",
    filters: [
      { name: "severity", label: "Severity", choices: ["low", "medium", "high", "critical"] },
      { name: "rule", label: "Rule" },
      { name: "user_id", label: "User" },
      { name: "state", label: "State", choices: ["open", "acknowledged"] },
    ],
    draw: (items) => alertTable(items, acknowledge, (alert) => openAlert(alert, context)),
    answered: (answer) => suppressed.textContent = suppressedSentence(answer.suppressed),
  }, signal);

  async function acknowledge(alert: Alert): Promise<void> {
    try {
      const path = `/api/alerts/${encodeURIComponent(alert.alert_id)}/ack`;
      Object.assign(alert, await send<Partial<Alert>>("POST", path, { by: "page" }));
      list.redraw();
      announce("Acknowledged");
      focusNext(list.items.indexOf(alert));
    } catch (error) {
      replace(outcome, faultNotice(error));
    }
  }

  /** The list is drawn anew: whoever goes through it by keyboard goes on with the next one. */
  function focusNext(from: number): void {
    const buttons = [...list.element.querySelectorAll<HTMLElement>("[data-row]")];
    const next = buttons.find((one) => Number(one.dataset.row) > from) ?? buttons.at(-1);
    next?.focus({ preventScroll: true });
  }

  const refresh = h("button", { type: "button", class: "button" }, "Refresh");
  const newest = () => context.live.payload.alerts?.at(-1)?.alert_id;
  let known = newest();
  const tell = () => {
    known ??= newest();
    const isNew = newest() !== known;
    refresh.textContent = isNew ? "Show new alerts" : "Refresh";
    refresh.classList.toggle("primary", isNew);
  };
  refresh.addEventListener("click", () => {
    known = newest();
    tell();
    list.load();
  });
  context.live.addEventListener("change", tell, { signal });
  place.append(
    pageHead("Alerts", "What the rules found suspicious, newest first.", refresh),
    outcome,
    suppressed,
    list.element,
  );
  return list.load();
};

function alertTable(
  items: readonly Alert[],
  acknowledge: (alert: Alert) => void,
  open: (alert: Alert) => void,
): HTMLElement {
  return dataTable<Alert>(
    [
      { name: "Rule", cell: (one) => one.rule },
      { name: "Severity", cell: (one) => tag(one.severity) },
      { name: "What happened", cell: (one) => one.description },
      { name: "Key", cell: (one) => one.key ?? one.user_id },
      { name: "Event time (UTC)", cell: (one) => utc(one.event_time) },
      { name: "Seen", cell: (one) => seen(one, items.indexOf(one), acknowledge) },
    ],
    items,
    { caption: "Alerts", empty: "No alerts match.", open },
  );
}

function seen(alert: Alert, row: number, acknowledge: (alert: Alert) => void): Node {
  if (alert.acknowledged_at) {
    return h(
      "span",
      { class: "muted" },
      `${utc(alert.acknowledged_at)} ${alert.acknowledged_by ?? ""}`.trim(),
    );
  }
  return h("button", {
    type: "button",
    class: "button small",
    "data-row": row,
    "aria-label": `Acknowledge ${alert.rule} of ${alert.user_id ?? alert.key ?? ""}`,
    on: { click: () => acknowledge(alert) },
  }, "Acknowledge");
}

function openAlert(alert: Alert, context: PageContext): void {
  const ids = [...new Set([...(alert.trigger_event_ids ?? []), ...(alert.event_id ? [alert.event_id] : [])])];
  const events = h(
    "button",
    { type: "button", class: "button primary", disabled: ids.length === 0 },
    "Open its events in the editor",
  );
  const user = h(
    "button",
    { type: "button", class: "button", disabled: !alert.user_id },
    "Everything of this user",
  );
  const facts: [string, string][] = [
    ["What happened", alert.description],
    ["Severity", alert.severity],
    ["Key", alert.key ?? "–"],
    ["User", alert.user_id ?? "–"],
    ["Event time", `${utc(alert.event_time)} UTC`],
    ["Detected", alert.detected_at ? `${utc(alert.detected_at)} UTC` : "–"],
    ["Events", ids.join(", ") || "–"],
    ["Rule version", alert.rule_version ?? "–"],
    ["Context", JSON.stringify(alert.context ?? null)],
    ["Id", alert.alert_id],
  ];
  const list = h(
    "dl",
    { class: "facts" },
    ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
  const dialog = openDialog(alert.rule, list, h("div", { class: "buttons" }, events, user));
  const ask = async (title: string, sql: (over: Over) => string) => {
    events.disabled = user.disabled = true;
    const over = await whatRuleIsOver(alert.rule);
    dialog.close();
    context.openQuery({ title, sql: sql(over) });
  };
  events.addEventListener(
    "click",
    () => ask(`Events of ${alert.rule}`, (over) => eventsSql(alert, ids, over)),
  );
  user.addEventListener(
    "click",
    () => ask(`User ${alert.user_id}`, ({ table }) => userSql(alert.user_id ?? "", table)),
  );
}

interface Over {
  table: string;
  /** Events of a key that a `distinct` rule counts in. */
  among?: number;
}

const RECORDS = "raw.events";

/** Where the rows of the kind stand that a rule looks at; the records themselves when the rule is gone or unknown. */
async function whatRuleIsOver(name: string): Promise<Over> {
  try {
    const [{ items: rules }, { items: kinds }] = await Promise.all([
      getJson<{ items: readonly { name: string; over?: string; among?: number }[] }>("/api/rules"),
      getJson<{ items: readonly { name: string; table: string }[] }>("/api/kinds", { limit: 1000 }),
    ]);
    const rule = rules.find((one) => one.name === name);
    const kind = rule && kinds.find((one) => one.name === (rule.over ?? "transaction"));
    return { table: kind?.table ?? RECORDS, among: rule?.among };
  } catch (error) {
    console.warn("Cannot learn which table a rule is over:", error);
    return { table: RECORDS };
  }
}

/**
 * Rules that count remember times or values, and no events: those are found by their user, and by when they happened or
 * where they stand in the log.
 */
function eventsSql(alert: Alert, ids: readonly string[], { table, among }: Over): string {
  const { user_id, event_time, log_offset, context, source } = alert;
  const { count, window_ms, field } = context ?? {};
  const isKnown = user_id && table !== RECORDS;
  const ofUser = `user_id = ${quoteText(user_id ?? "")}`;
  const at = (ms: number) =>
    `TIMESTAMP '${new Date(Date.parse(event_time) + ms).toISOString().slice(0, -1)}'`;
  const which = isKnown && window_ms && Number(count) > ids.length
    ? `${ofUser}\n  AND event_time BETWEEN ${at(-window_ms)} AND ${at(window_ms)}\nORDER BY event_time`
    : isKnown && field && among
    ? `${ofUser}\n  AND log_offset <= ${log_offset}\n  AND ${quoteIdentifier(field)} IS NOT NULL\n` +
      `ORDER BY log_offset DESC\nLIMIT ${among}`
    : `event_id IN (${ids.map(quoteText).join(", ")})${
      source ? `\n  AND source = ${quoteText(source)}` : ""
    }\n` +
      `ORDER BY ${table === RECORDS ? "received_at" : "event_time"}`;
  return `-- Events behind the alert ${alert.rule.replace(/\s/g, " ")} at ${utc(event_time)} UTC.
SELECT * FROM ${table}
WHERE ${which};
`;
}

function userSql(user: string, table: string): string {
  const condition = table === RECORDS
    ? "contains(body, " + quoteText(user) + ")"
    : `user_id = ${quoteText(user)}`;
  return `SELECT *
FROM ${table}
WHERE ${condition}
ORDER BY ${table === RECORDS ? "received_at" : "event_time"} DESC
LIMIT 1000;
`;
}

/** Alerts that were held back because one like them had just been raised. */
function suppressedSentence(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  const counts = Object.entries(value).filter(([, amount]) => Number(amount) > 0);
  if (counts.length === 0) return "";
  return `Held back since the last alert of their key: ${
    counts.map(([rule, amount]) => `${rule} ${plural(Number(amount), "time")}`).join(", ")
  }.`;
}
