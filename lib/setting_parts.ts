/** Settings that hold several values in one text: secrets of senders, tokens of sources, days of tables. */

/** What is wrong with a setting. */
export interface SettingFault {
  name: string;
  message: string;
}

export interface WebhookSecret {
  secret: string;
  /** Milliseconds since 1970 from which this key is refused; null for never. */
  until_ms: number | null;
}

export const SECRET_SUFFIX = "_WEBHOOK_SECRET";
const MAX_SECRETS = 4;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
const RESERVED_SOURCES = [
  "millrace",
  "demo",
  "kafka",
  "stripe",
  "revolut",
  "github",
  "shopify",
  "standard_webhooks",
  "cloud_events",
];

/** The keys of each sender by its name in lower case, from `<SOURCE>_WEBHOOK_SECRET`. */
export function webhookSecrets(given: Record<string, string>, faults: SettingFault[]) {
  const bySource: Record<string, WebhookSecret[]> = {};
  for (const [name, value] of Object.entries(given)) {
    if (
      !name.endsWith(SECRET_SUFFIX) || name === SECRET_SUFFIX || name === "ALERT_WEBHOOK_SECRET" || !value
    ) continue;
    const secrets = value.split(",").map((part) => part.trim()).filter((part) => part !== "").map(oneSecret);
    if (secrets.length > MAX_SECRETS) {
      faults.push({ name, message: `holds more than ${MAX_SECRETS} secrets` });
    }
    if (secrets.some((one) => one === null)) {
      faults.push({ name, message: "has an `until` that is no RFC 3339 time" });
    }
    bySource[name.slice(0, -SECRET_SUFFIX.length).toLowerCase()] = secrets.filter((one) => one !== null);
  }
  return bySource;
}

function oneSecret(part: string): WebhookSecret | null {
  const [secretText, until] = part.split(";until=");
  if (until === undefined) return { secret: secretText, until_ms: null };
  const until_ms = RFC_3339.test(until) ? Date.parse(until) : NaN;
  return Number.isNaN(until_ms) ? null : { secret: secretText, until_ms };
}

/** Source name by token. */
export function ingestTokens(value: string | null, faults: SettingFault[]) {
  const tokens: Record<string, string> = {};
  const parts = (value ?? "").split(",").filter((one) => one.trim() !== "");
  for (const [index, part] of parts.entries()) {
    const place = `entry ${index + 1}`;
    const at = part.indexOf("=");
    const [source, token] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    if (at < 1 || !/^[a-z][a-z0-9_]{0,63}$/.test(source) || token === "") {
      faults.push({
        name: "INGEST_TOKENS",
        message: `${place} must read name=token (names a-z0-9_)`,
      });
    } else if (RESERVED_SOURCES.includes(source)) {
      faults.push({
        name: "INGEST_TOKENS",
        message: `cannot use the name ${source}: it belongs to the program`,
      });
    } else if (Object.hasOwn(tokens, token)) {
      faults.push({ name: "INGEST_TOKENS", message: `gives ${tokens[token]} and ${source} the same token` });
    } else tokens[token] = source;
  }
  return tokens;
}

/** Days by table name. */
export function retentionDays(value: string | null, faults: SettingFault[]) {
  const days: Record<string, number> = {};
  for (const part of (value ?? "").split(",").filter((one) => one.trim() !== "")) {
    const match = /^\s*([a-z0-9_.]+)\s*=\s*(\d{1,5})\s*$/.exec(part);
    if (match && Number(match[2]) > 0) days[match[1]] = Number(match[2]);
    else faults.push({ name: "TABLE_RETENTION_DAYS", message: "must read table=days,..." });
  }
  return days;
}
