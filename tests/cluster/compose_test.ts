/** What `compose.yaml` says is tried: its commands, environment and health checks, on a real broker and a real S3 server. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { parse } from "yaml";
import { settled } from "../program.ts";
import { sendStripe, stripeBody } from "../stripe_sender.ts";
import { eventually } from "../waiting.ts";
import { Compose } from "./compose.ts";
import { filesOf, sourceText } from "./image.ts";
import { runPython } from "./python.ts";

const COUNTS = `
import json, sys
from pyiceberg.catalog import load_catalog
args = json.loads(sys.argv[1])
catalog = load_catalog("millrace", type="rest", warehouse="any", **args["catalog"])
counts = {}
for source in catalog.load_table("processed.transactions").scan().to_arrow().column("source").to_pylist():
    counts[source] = counts.get(source, 0) + 1
print(json.dumps(counts))
`;
const HOOKS = 40;
const INGESTED = 60;

Deno.test("compose.yaml: what it starts takes webhooks and events, and shows them as rows to everybody", async (t) => {
  await using compose = await Compose.open();
  const image = await filesOf(compose.image.folder);
  await Promise.all(["edge", "query", "maintain", "produce"].map((name) => compose.up(name)));
  await compose.scale("process", 2);
  const url = compose.url("edge");
  const authorization = `Bearer ${compose.token("api")}`;
  const get = async (path: string) => await (await fetch(url + path, { headers: { authorization } })).json();
  const ask = async (sql: string) => {
    const headers = { authorization, "content-type": "application/json" };
    const answer = await fetch(`${url}/api/query`, {
      method: "POST",
      headers,
      body: JSON.stringify({ sql }),
    });
    const result = await answer.json();
    strictEqual(answer.status, 200, JSON.stringify(result));
    return result.rows as string[][];
  };

  await t.step("events are accepted, with the tokens that the first service made", async () => {
    const secret = compose.token("stripe");
    for (let i = 0; i < HOOKS; i++) {
      const body = hookBody(i);
      await eventually(() => sendStripe(url, body, secret), Boolean, { what: "an acknowledgement" });
    }
    const [, token] = compose.token("ingest").split("=");
    const answer = await fetch(`${url}/ingest/transaction`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/x-ndjson" },
      body: Array.from({ length: INGESTED }, (_, i) => JSON.stringify(event(i))).join("\n"),
    });
    strictEqual(answer.status, 202);
    strictEqual((await answer.json()).accepted, INGESTED);
  });

  await t.step("more processes share the partitions", async () => {
    await compose.scale("process", 4);
    const names = ["process", "process-2", "process-3", "process-4"];
    const owners = async () => {
      const reader = { authorization: `Bearer ${compose.token("read")}` };
      const texts = await Promise.all(
        names.map(async (name) =>
          await (await fetch(`${compose.url(name)}/metrics`, { headers: reader })).text()
        ),
      );
      return texts.filter((text) => /^millrace_lag_records\{partition="\d+"\}/m.test(text)).length;
    };
    await eventually(owners, (count) => count === names.length, {
      what: "four owners of partitions",
      every_ms: 500,
    });
  });

  await t.step("rows are seen through the edge", async () => {
    await eventually(() => get("/api/status"), isDemo, { what: "an event of the demo" });
    strictEqual(await compose.stop("produce"), 0);
    const status = await settled(url, compose.token("api"));
    const accounts = status.accounting as {
      source: string;
      accepted: number;
      rows: number;
      holds: boolean;
    }[];
    ok(accounts.every(({ holds }) => holds));
    deepStrictEqual(accounts.map(({ source }) => source), ["app", "demo", "stripe"]);
    const rows = Object.fromEntries(
      await ask("SELECT source, count(DISTINCT event_id)::INT FROM transactions GROUP BY ALL"),
    );
    deepStrictEqual([rows.app, rows.stripe], [INGESTED, HOOKS]);
    ok(Number(rows.demo) > 0, "produce made nothing");
  });

  await t.step(
    "processes of queries have nothing in their environment but where their packages are",
    async () => {
      const [child] = await childrenOf(compose.pid("query"));
      const environment = (await Deno.readTextFile(`/proc/${child}/environ`)).split("\0").filter((one) =>
        one
      );
      deepStrictEqual(environment, [`DENO_DIR=${compose.image.env.DENO_DIR}`]);
    },
  );

  await t.step("data files come straight from the store, by an address that the edge signs", async () => {
    const { files } = await get("/api/tables/processed.transactions/files");
    ok(files.length > 0);
    const redirect = await fetch(url + files[0].url, {
      headers: { authorization, range: "bytes=0-3" },
      redirect: "manual",
    });
    await redirect.body?.cancel();
    strictEqual(redirect.status, 307);
    const address = new URL(redirect.headers.get("location")!);
    strictEqual(address.host, `127.0.0.1:${compose.port("minio", "9000")}`);
    const origin = { origin: url, range: "bytes=0-3" };
    const bytes = await fetch(address, { headers: origin });
    strictEqual(bytes.status, 206);
    strictEqual(bytes.headers.get("access-control-allow-origin"), url);
    strictEqual(await bytes.text(), "PAR1");
    const policy = (await fetch(`${url}/login`)).headers.get("content-security-policy")!;
    ok(policy.length > 0);
  });

  await t.step("PyIceberg counts the same through the catalog, with the reader's token", async () => {
    const catalog = {
      uri: `${url}/iceberg`,
      token: compose.token("read"),
      "s3.access-key-id": compose.token("s3_user"),
      "s3.secret-access-key": compose.token("s3_password"),
    };
    const counts = await runPython(COUNTS, { catalog }) as Record<string, number>;
    deepStrictEqual([counts.app, counts.stripe], [INGESTED, HOOKS]);
  });

  await t.step("Prometheus reads every role as its file says", async () => {
    const [job] = parse(await sourceText("deploy/prometheus.yml")).scrape_configs;
    const reader = compose.token(job.authorization.credentials_file.slice("/tokens/".length));
    const [{ names, port }] = job.dns_sd_configs;
    const ours = Object.entries(compose.services).filter(([, { build }]) => build).map(([name]) => name);
    deepStrictEqual([...names].sort(), ours.sort());
    for (const name of names.filter((one: string) => one !== "produce")) {
      strictEqual(String(port), compose.services[name].environment!.PORT);
      const answer = await fetch(`${compose.url(name)}/metrics`, {
        headers: { authorization: `Bearer ${reader}` },
      });
      strictEqual(answer.status, 200, name);
      const resident = Number(/^millrace_process_resident_bytes (\S+)$/m.exec(await answer.text())?.[1]);
      ok(
        resident > 0 && resident < bytesOf(compose.services[name].mem_limit!),
        `${name} holds ${resident} bytes`,
      );
    }
  });

  await t.step("the audit finds nothing, and every role ends in order", async () => {
    const audit = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", "audit"],
      env: { ...compose.environment("maintain"), DATA_DIR: `${compose.folder}/data/audit` },
    }).output();
    strictEqual(audit.code, 0, new TextDecoder().decode(audit.stdout));
    const roles = ["process", "process-2", "process-3", "process-4", "maintain", "edge", "query"];
    deepStrictEqual(await Promise.all(roles.map((name) => compose.stop(name))), roles.map(() => 0));
    deepStrictEqual(await filesOf(compose.image.folder), image, "somebody wrote into the image");
  });
});

Deno.test("compose.yaml: every service of ours is bounded, read-only and watched, and open to this machine alone", async () => {
  const { services } = parse(await sourceText("compose.yaml"), { merge: true }) as Pick<Compose, "services">;
  for (const [name, service] of Object.entries(services)) {
    if (service.build) ok(service.read_only && service.healthcheck, name);
    ok(service.mem_limit, `${name} has no memory limit`);
    ok(service.build || /:[^:]*\d/.test(service.image!), `${name} is not pinned`);
    for (const port of service.ports ?? []) match(port, /^127\.0\.0\.1:/, name);
  }
});

function isDemo({ accounting }: { accounting: { source: string }[] }): boolean {
  return accounting.some(({ source }) => source === "demo");
}

async function childrenOf(pid: number): Promise<string[]> {
  const children: string[] = [];
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    // A thread may end while we look.
    const text = await Deno.readTextFile(`/proc/${pid}/task/${name}/children`).catch(() => "");
    children.push(...text.trim().split(" ").filter((one) => one));
  }
  return children;
}

function bytesOf(limit: string): number {
  const [, number, unit] = /^(\d+)([mg])$/.exec(limit)!;
  return Number(number) * (unit === "m" ? 1024 ** 2 : 1024 ** 3);
}

function hookBody(i: number): string {
  const created_s = Math.floor(Date.now() / 1000) - 30;
  return stripeBody({
    id: `evt_${i}`,
    payment: `pi_${i}`,
    amount_minor: 1_000 + i,
    created_s,
    user: `cus_${i % 7}`,
  });
}

function event(i: number) {
  return {
    event_id: `order-${i}`,
    timestamp: Date.now() - 1_000,
    user_id: `user-${i % 11}`,
    amount: "19.99",
    currency: "EUR",
    status: "completed",
  };
}
