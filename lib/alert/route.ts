/** `alerts.yaml`: which alerts are sent to which webhooks. Read whole, or refused whole with line and reason. */
import { z } from "zod";
import { issuesOf, readConfigYaml, refusal } from "../stream/definition_file.ts";
import { SEVERITIES } from "./alert.ts";

const Route = z.strictObject({
  /** Also the label of its metrics. */
  name: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, "must be lower-case letters, digits and _"),
  url: z.url({ protocol: /^https?$/ }),
  /** `slack`: a text in blocks, as incoming webhooks of chats take it. */
  body: z.enum(["plain", "slack"]).default("plain"),
  /** Of these severities; all without it. */
  severities: z.array(z.enum(SEVERITIES)).min(1).optional(),
  /** Of these rules; all without it. */
  rules: z.array(z.string().min(1)).min(1).optional(),
  /** May be sent to loopback and private addresses. */
  allow_private: z.boolean().default(false),
});
const AlertsFile = z.strictObject({ webhooks: z.array(Route).default([]) });

export type AlertRoute = z.infer<typeof Route>;

/** The routes of the file, null when there is none; throws a Fault that names every line at fault. */
export function readAlertsFile(text: string | null): AlertRoute[] {
  const { value, lineOf } = readConfigYaml("alerts.yaml", text, "webhooks: []");
  const parsed = AlertsFile.safeParse(value);
  if (!parsed.success) throw refusal("alerts.yaml", issuesOf(parsed.error), lineOf);
  const { webhooks } = parsed.data;
  const names = webhooks.map(({ name }) => name);
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice >= 0) {
    throw refusal(
      "alerts.yaml",
      [{ path: ["webhooks", twice, "name"], message: "stands there twice" }],
      lineOf,
    );
  }
  return webhooks;
}

export function takes(route: AlertRoute, alert: { rule: string; severity: string }): boolean {
  const { severities, rules } = route;
  return (severities === undefined || severities.some((one) => one === alert.severity)) &&
    (rules === undefined || rules.includes(alert.rule));
}
