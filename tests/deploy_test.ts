/** What `deploy/` names is there: settings, roles and routes of Kubernetes' file, which no test can start here; metrics. */
import { deepEqual, ok } from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { ROLES } from "../commands/serve.ts";
import { METRICS } from "../lib/observe/metric_names.ts";
import { SETTINGS } from "../lib/setting_list.ts";
import { SECRET_SUFFIX } from "../lib/setting_parts.ts";
import { ROUTES } from "../routes/openapi.ts";

interface Probe {
  httpGet: { path: string; port: number };
  timeoutSeconds?: number;
}

interface Container {
  name: string;
  args: string[];
  env?: { name: string }[];
  livenessProbe: Probe;
  readinessProbe: Probe;
  volumeMounts: { mountPath: string }[];
}

interface Resource {
  kind: string;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  spec?: { template?: { spec: { containers: Container[] } } };
}

/** A report of health waits so long for what does not answer (lib/observe/health.ts). */
const LONGEST_ANSWER_S = 2;
/** Of the runtime, not of ours. */
const OTHERS = ["DENO_V8_FLAGS"];

const resources: Resource[] = parseAllDocuments(await Deno.readTextFile("deploy/k8s/millrace.yaml"))
  .map((document) => document.toJS());
const containers = resources.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);

Deno.test("Kubernetes' file names settings that there are", () => {
  const given = resources.flatMap(({ data, stringData }) => Object.keys({ ...data, ...stringData }));
  const own = containers.flatMap(({ env }) => (env ?? []).map(({ name }) => name));
  const names = [...given, ...own];
  ok(names.length > 10);
  const unknown = names.filter((name) =>
    !(name in SETTINGS) && !name.endsWith(SECRET_SUFFIX) && !OTHERS.includes(name)
  );
  deepEqual(unknown, []);
});

Deno.test("Kubernetes' file has every role that stands alone, and asks each how it does for as long as it may take", () => {
  const roles = ROLES.map(({ name }) => name).filter((name) => name !== "all");
  deepEqual(containers.map(({ args }) => args.join(" ")).sort(), roles.sort());
  const paths = ROUTES.map(({ path }) => path);
  for (const { name, livenessProbe, readinessProbe, volumeMounts } of containers) {
    ok(volumeMounts.some(({ mountPath }) => mountPath === "/data"), name);
    for (const { httpGet, timeoutSeconds = 1 } of [livenessProbe, readinessProbe]) {
      ok(paths.includes(httpGet.path), `${name}: ${httpGet.path}`);
      ok(timeoutSeconds > LONGEST_ANSWER_S, `${name}: ${httpGet.path} is given ${timeoutSeconds} s`);
    }
  }
});

Deno.test("the dashboard of Grafana asks for metrics that there are", async () => {
  const text = await Deno.readTextFile("deploy/grafana/dashboards/millrace.json");
  const asked = new Set([...text.matchAll(/millrace_([a-z_]+)/g)].map(([, name]) => name));
  ok(asked.size > 5);
  const known = new Set(
    Object.entries(METRICS).flatMap(([name, { kind }]) =>
      kind === "histogram" ? ["bucket", "sum", "count"].map((part) => `${name}_${part}`) : [name]
    ),
  );
  deepEqual([...asked].filter((name) => !known.has(name)), []);
});
