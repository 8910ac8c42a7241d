/** What people ask on the command line, beside a running server and without one: answers, forms, exit statuses. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { COMMANDS, helpOf } from "../../commands/commands.ts";
import { lackingOf } from "../../commands/browser_access.ts";
import { isLakeFolder } from "../../commands/lake_place.ts";
import { settled, startProgram } from "../program.ts";
import { type Ran, runCommand } from "./run_command.ts";

const TIME = "2026-03-01T12:00:00Z";

function transaction(id: string, user_id: string, amount: string): unknown {
  return { event_id: id, timestamp: TIME, user_id, amount, currency: "EUR", status: "completed" };
}

Deno.test("sql, tables, snapshots, transactions, alerts, tail and audit answer beside a server and without one", async () => {
  const DATA_DIR = await Deno.makeTempDir();
  const env = { DATA_DIR, CHECKPOINT_MS: "300" };
  const ask = (...args: string[]) => runCommand(args, env);
  const rowsOf = async (...args: string[]): Promise<Record<string, unknown>[]> => {
    const { code, stdout, stderr } = await ask(...args, "--format", "json");
    equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const program = await startProgram({ env });
  try {
    const sent = await fetch(`${program.url}/ingest/transaction`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([transaction("e1", "ada", "19.99"), transaction("e2", "o'neil", "5")]),
    });
    deepEqual(await sent.json(), { accepted: 2, duplicates: 0, rejected: [] });
    await settled(program.url);

    deepEqual(await rowsOf("sql", "SELECT user_id, amount FROM transactions ORDER BY 1"), [
      { user_id: "ada", amount: 19.99 },
      { user_id: "o'neil", amount: 5 },
    ]);
    deepEqual((await rowsOf("transactions", "--user", "o'neil")).map((row) => row.event_id), ["e2"]);
  } finally {
    equal(await program.stop(), 0);
  }

  const parquet = await ask("sql", "FROM transactions", "--format", "parquet");
  match(parquet.stdout, /^PAR1/);
  const csv = await ask(
    "transactions",
    "--from",
    "2026-03-01",
    "--to",
    "2026-03-02",
    "--limit",
    "1",
    "--format",
    "csv",
  );
  deepEqual([csv.stdout.split("\n").length, csv.stderr.includes("cut after 1 rows")], [3, true]);
  deepEqual(await rowsOf("transactions", "--as-of", "2001-01-01"), []);
  deepEqual(await rowsOf("alerts", "--user", "ada", "--rule", "r", "--severity", "high"), []);
  equal((await rowsOf("tables")).find((row) => row.table === "processed.transactions")?.rows, 2);
  equal((await rowsOf("snapshots", "transactions")).at(-1)?.rows, 2);
  const tail = await ask("tail", "events", "--from", "0", "--limit", "2", "--json");
  equal(tail.stdout.trim().split("\n").map((line) => JSON.parse(line)).length, 2);
  const lines = await ask("tail", "--from", "0", "--limit", "2", "--format", "csv");
  match(lines.stdout, /^partition,offset,received_at,key,source,kind,headers,value\n\d,\d+,[^]*\n\d,\d+,/);
  for (
    const args of [["tail", "--from", "0", "--limit", "2"], ["tables"], ["snapshots", "transactions"]]
  ) match((await ask(...args, "--format", "parquet")).stdout, /^PAR1/, args[0]);
  const report = await ask("audit", "--json");
  deepEqual(JSON.parse(report.stdout).problems, []);
  match(report.stderr.trim().split("\n").at(-1)!, /^audit: ok, \d+ files, \d+ rows, \d+ offsets$/);
  match((await ask("audit")).stdout.trim().split("\n").at(-1)!, /^audit: ok, /);
  match((await ask("compact", "transactions", "--dry-run")).stdout, /^compact: /);
  match((await ask("doctor")).stdout, /^doctor: all is well$/m);
  await Deno.remove(DATA_DIR, { recursive: true });
});

const failed = ({ code, stdout, stderr }: Ran) => ({ code, says: stderr + stdout });

Deno.test("a command that is wrong exits with 2 and says how it is written; one that fails exits with 1", async () => {
  const DATA_DIR = await Deno.makeTempDir();
  await Deno.mkdir(`${DATA_DIR}/lake`);
  const wrong: [string[], RegExp][] = [
    [["nothing"], /^There is no command nothing\./],
    [["sql"], /something is missing\nUsage: main\.ts sql "<select>"/],
    [["sql", "SELECT 1", "--bogus"], /there is no option --bogus here\nUsage/],
    [["sql", "SELECT 1", "--format", "xml"], /--format must be one of table, json, csv, parquet/],
    [["sql", "SELECT 1", "--as-of", "yesterday"], /is no time; write it like/],
    [["sql", "SELECT\n foo"], /\(line 2, column 2\)/],
    [["sql", "COPY x TO 'y'"], /COPY is not allowed/],
    [["sql", "SELECT 1", "--limit", "1e3"], /--limit must be a whole number from 0 to/],
    [["alerts", "--severity", "foo"], /--severity must be one of low, medium, high, critical/],
    [["snapshots", "nothing"], /there is no such table/],
    [["compact", "nothing"], /Cannot find the table nothing/],
    [["tail", "--format", "parquet"], /parquet needs a --limit/],
    [["tail", "nothing"], /there are events, alerts, aggregates, dead_letters/],
    [["settings", "--bogus"], /there is no option --bogus here/],
    [["hook", "nobody"], /there are stripe/],
  ];
  for (const [args, says] of wrong) {
    const found = failed(await runCommand(args, { DATA_DIR }));
    equal(found.code, 2, args.join(" ") + found.says);
    match(found.says, says);
  }
  for (const [args, says] of [[["transactions"], /it is made when the program starts/]] as const) {
    const found = failed(await runCommand([...args], { DATA_DIR }));
    equal(found.code, 1, found.says);
    match(found.says, says);
  }
  await Deno.remove(DATA_DIR, { recursive: true });
});

Deno.test("a start with wrong settings exits with 2 and names them all, and shows no secret", async () => {
  const { code, stderr } = await runCommand(["all"], {
    DATA_DIR: "/proc/nowhere",
    CONFIG_DIR: "/nowhere",
    HOST: "0.0.0.0",
    PORT: "0",
  });
  equal(code, 2);
  for (const name of ["DATA_DIR", "CONFIG_DIR", "API_TOKEN", "INGEST_TOKENS"]) {
    match(stderr, new RegExp(`^  ${name} `, "m"));
  }
  const secret = await runCommand(["all"], {
    DATA_DIR: await Deno.makeTempDir(),
    PORT: "0",
    STANDARD_WEBHOOKS_WEBHOOK_SECRET: "whsec_!!secret!!",
  });
  equal(secret.code, 2);
  match(secret.stderr, /^ +STANDARD_WEBHOOKS_WEBHOOK_SECRET /m);
  doesNotMatch(secret.stderr, /!!secret/);
});

Deno.test("a port that somebody has is named, with one that is free, and no lake is begun", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const DATA_DIR = await Deno.makeTempDir();
  const { code, stderr } = await runCommand(["all"], { DATA_DIR, PORT: String(taken.addr.port) });
  equal(code, 1);
  const [, asked, free] = /port (\d+): another program has it\. Port (\d+) is free/.exec(stderr) ?? [];
  equal(asked, String(taken.addr.port));
  Deno.listen({ hostname: "127.0.0.1", port: Number(free) }).close();
  // Else the next question would ask that empty lake, and not the demo's.
  equal(await isLakeFolder(DATA_DIR), false);
  await Deno.remove(DATA_DIR, { recursive: true });
});

Deno.test("an orderly stop ends a query that would not, and exits with 0", async () => {
  const DATA_DIR = await Deno.makeTempDir();
  const program = await startProgram({ env: { DATA_DIR, QUERY_TIMEOUT_MS: "600000" } });
  const ask = (sql: string) => fetch(`${program.url}/api/query`, { method: "POST", body: sql });
  const query = ask("SELECT count(*) FROM range(1000000000) a, range(1000000000) b");
  // Who came later is answered: so the first one is at work.
  equal((await ask("SELECT 1")).status, 200);
  equal(await program.stop(), 0, program.lines.join("\n"));
  const answer = await query.catch(() => null);
  if (answer !== null) equal(answer.status, 503, await answer.text());
  await Deno.remove(DATA_DIR, { recursive: true });
});

Deno.test("help tells of every command, in one list and one by one, whatever the settings", async () => {
  const list = await runCommand(["help"], { PORT: "wrong" });
  equal(list.code, 0);
  for (const { usage } of COMMANDS) ok(list.stdout.includes(usage), usage);
  for (const args of [["help", "sql"], ["sql", "--help"], ["sql", "SELECT 1", "-h"]]) {
    const { code, stdout } = await runCommand(args, {});
    equal(code, 0);
    match(stdout, /^Usage: main\.ts sql "<select>"[^]*--limit/);
  }
});

Deno.test("help explains every option that a usage names", () => {
  const unexplained = COMMANDS.flatMap((command) => {
    const [, ...explained] = helpOf(command).split("\n");
    const options = command.usage.match(/--[a-z-]+/g) ?? [];
    return options.filter((one) => !explained.join("\n").includes(one)).map((one) =>
      `${command.names[0]} ${one}`
    );
  });
  deepEqual(unexplained, []);
});

Deno.test("settings shows what is in force and never a secret", async () => {
  const { code, stdout } = await runCommand(["settings", "--json"], {
    PORT: "81",
    API_TOKEN: "hidden-token",
    STRIPE_WEBHOOK_SECRET: "whsec_hidden",
  });
  equal(code, 0);
  const shown: { name: string; value: string }[] = JSON.parse(stdout);
  const of = (name: string) => shown.find((one) => one.name === name)?.value;
  deepEqual([of("PORT"), of("API_TOKEN"), of("STRIPE_WEBHOOK_SECRET")], [
    "81",
    "(set, not shown)",
    "(1 set, not shown)",
  ]);
  doesNotMatch(stdout, /hidden/);
});

Deno.test("lackingOf names what a store withholds from a page", () => {
  const origin = "http://127.0.0.1:8000";
  const of = (headers: Record<string, string>) => lackingOf(new Headers(headers), origin);
  const exposed = "Content-Range, ETag";
  deepEqual(of({ "access-control-allow-origin": origin, "access-control-expose-headers": exposed }), []);
  deepEqual(of({ "access-control-allow-origin": "*", "access-control-expose-headers": "*" }), []);
  deepEqual(of({ "access-control-allow-origin": "https://other.example" }), [
    `does not allow the origin ${origin}`,
    "does not expose content-range and etag",
  ]);
});
