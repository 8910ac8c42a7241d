/** Takes secrets out of text before it leaves the process: known values, signatures in addresses, bearer tokens. */
import type { Settings } from "../config.ts";
import { type SettingName, SETTINGS } from "../setting_list.ts";

/** Text in, the same text with every secret replaced out. */
export type Scrub = (text: string) => string;

const MIN_LENGTH = 6;
const REPLACEMENT = "[secret]";

/** Forms that are secret whatever their value: signed addresses, credentials in headers, keys of senders. */
const FORMS: readonly [RegExp, string][] = [
  [/(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"'<>]+/gi, `$1${REPLACEMENT}`],
  [/(\bbearer\s+)[A-Za-z0-9._~+/=-]{6,}/gi, `$1${REPLACEMENT}`],
  [/\b(whsec_)[A-Za-z0-9+/=_-]{6,}/g, `$1${REPLACEMENT}`],
  [/(\/\/[^/\s:@]+:)[^/\s@]+(@)/g, `$1${REPLACEMENT}$2`],
];

/** Makes a scrub for the given secret values (shorter than six characters are too common to be replaced). */
export function scrubber(secrets: readonly string[]): Scrub {
  const values = [...new Set(secrets.flatMap(spellings))]
    .filter((value) => value.length >= MIN_LENGTH)
    .sort((a, b) => b.length - a.length);
  const known = values.length > 0 ? new RegExp(values.map(escapeForm).join("|"), "g") : null;
  return (text) => {
    let clean = known ? text.replace(known, REPLACEMENT) : text;
    for (const [form, replacement] of FORMS) clean = clean.replace(form, replacement);
    return clean;
  };
}

/** Every secret value that the settings hold. */
export function secretsOf(settings: Settings): string[] {
  const named = (Object.keys(SETTINGS) as SettingName[])
    .filter((name) => "secret" in SETTINGS[name])
    .map((name) => settings[name])
    .filter((value): value is string => typeof value === "string");
  const webhooks = Object.values(settings.webhook_secrets).flat().map((one) => one.secret);
  return [...named, ...webhooks, ...Object.keys(settings.ingest_tokens)];
}

/** A secret as it may stand in JSON or in an address. */
function spellings(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
}

function escapeForm(value: string): string {
  return value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
