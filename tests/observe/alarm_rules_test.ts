/** What Prometheus tells somebody of asks for metrics and labels that there are, and says what to do. */
import { deepEqual, ok } from "node:assert/strict";
import { parse } from "yaml";
import { declarationOf, METRIC_PREFIX } from "../../lib/observe/metric_names.ts";

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; do: string };
}

/** Given by whoever scrapes. */
const SCRAPED = ["job", "instance"];

const RULES: Rule[] = parse(await Deno.readTextFile("deploy/prometheus_rules.yml")).groups[0].rules;

function metricsOf({ expr }: Rule): string[] {
  return [...expr.matchAll(new RegExp(`${METRIC_PREFIX}([a-z_]+)`, "g"))].map(([, name]) => name);
}

Deno.test("every alarm asks for metrics that there are", () => {
  const unknown = RULES.flatMap(metricsOf).filter((name) => declarationOf(name) === undefined);
  deepEqual(unknown, []);
  ok(RULES.length > 5);
});

Deno.test("every alarm groups, selects and names by labels that its metrics have", () => {
  for (const rule of RULES) {
    const grouped = [...rule.expr.matchAll(/by \(([^)]*)\)/g)].map(([, list]) => list.split(/, */));
    const selected = [...rule.expr.matchAll(/(\w+)=~?"/g)].map(([, label]) => label);
    const known = new Set(metricsOf(rule).flatMap((name) => declarationOf(name)?.labels ?? []));
    const asked = [...grouped.flat(), ...selected];
    deepEqual(asked.filter((label) => !known.has(label) && !SCRAPED.includes(label)), [], rule.alert);
    const named = [...rule.annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
    // What is not grouped keeps its labels.
    const left = grouped.length > 0 ? grouped.flat() : SCRAPED;
    deepEqual(named.filter((label) => !left.includes(label)), [], rule.alert);
  }
});

Deno.test("every alarm says how urgent it is, what it saw, and what to do", () => {
  for (const { alert, labels, annotations } of RULES) {
    ok(["page", "ticket"].includes(labels.severity), alert);
    ok(annotations.summary && annotations.do, alert);
  }
});

Deno.test("Prometheus is given the alarms in compose.yaml", async () => {
  const { rule_files } = parse(await Deno.readTextFile("deploy/prometheus.yml"));
  const { services } = parse(await Deno.readTextFile("compose.yaml"), { merge: true });
  const mounts: string[] = services.prometheus.volumes;
  for (const name of rule_files) ok(mounts.includes(`./deploy/${name}:/etc/prometheus/${name}:ro`), name);
});
