/** A small lake of real Parquet files for the page's tests: made by native DuckDB, with field ids, in a temporary folder. */
import { DuckDBInstance } from "@duckdb/node-api";

export interface FixtureField {
  id: number;
  name: string;
  type: unknown;
  doc?: string;
}

export interface FixtureFile {
  name: string;
  url: string;
  size_bytes: number;
  rows: number;
  min: Record<string, unknown>;
  max: Record<string, unknown>;
}

export interface FixtureSnapshot {
  snapshot_id: string;
  committed_at: string;
  operation: string;
  files: FixtureFile[];
}

export interface FixtureTable {
  name: string;
  kind: "table" | "view";
  sql: string | null;
  schema: FixtureField[];
  snapshots: FixtureSnapshot[];
}

export interface FixtureLake extends AsyncDisposable {
  folder: string;
  tables: FixtureTable[];
  /** Asks native DuckDB, whose answers the page's engine must give too. */
  ask(sql: string): Promise<string[][]>;
}

export type FileSql = { sql: string; ids: Record<string, number | string> };

export interface TableSpec {
  name: string;
  schema: [id: number, name: string, type: unknown, doc?: string][];
  /** Each inner list is what one snapshot adds. */
  commits: FileSql[][];
}

/** The data ends now, so that pages which look back from now see it. */
export const STARTED_MS = Math.floor(Date.now() / 60_000) * 60_000 - 4000 * 7_000;
const BASE = `TIMESTAMP '${new Date(STARTED_MS).toISOString().slice(0, 19).replace("T", " ")}'`;

const LIST_OF_TEXT = { type: "list", "element-id": 14, element: "string", "element-required": false };
const TOP_LIST = {
  type: "list",
  "element-id": 17,
  element: {
    type: "struct",
    fields: [{ id: 18, name: "value", type: "string" }, { id: 19, name: "count", type: "long" }],
  },
};

const TRANSACTIONS = `SELECT 'demo' AS source, (i % 4)::INTEGER AS log_partition, i::BIGINT AS log_offset,
  'evt_' || i AS event_id, ${BASE} + to_seconds(i * 7) AS event_time, ${BASE} + to_seconds(i * 7 + 1) AS received_at,
  'user_' || (i * 37 % 211) AS user_id, ((i * 7919 % 200000) / 100.0 + 1)::DECIMAL(18,4) AS amount,
  ['EUR','USD','GBP','JPY'][1 + i % 4] AS currency,
  ['completed','approved','pending','failed','refunded'][1 + (i * 13) % 5] AS status,
  'm_' || (i % 17) AS merchant_id,
  ['Blue Bottle','Mill & Co','Café Über','Nordwind','Årdal Ferry','星巴克'][1 + i % 6] AS merchant_name,
  ['DE','US','GB','JP','NO'][1 + i % 5] AS country, (i % 50 = 0) AS is_international, false AS late,
  (i % 90 = 3) AS is_anomaly, CASE WHEN i % 90 = 3 THEN 3.0 + (i % 31) / 10.0 ELSE (i % 30) / 10.0 - 1.5 END AS z_score
  FROM range(FROM_, TO_) t(i)`;

const TRANSACTION_FIELDS: TableSpec["schema"] = [
  [1, "source", "string", "Sender of the event."],
  [2, "log_partition", "int", "Partition of the log."],
  [3, "log_offset", "long", "Offset in the partition."],
  [4, "event_id", "string", "Id of the event as its sender gave it."],
  [5, "event_time", "timestamp", "When it happened, by the sender's clock (UTC)."],
  [6, "received_at", "timestamp", "When it was made durable (UTC)."],
  [7, "user_id", "string", "Who paid."],
  [8, "amount", "decimal(18, 4)", "Amount in its currency."],
  [9, "currency", "string", "ISO 4217 code."],
  [10, "status", "string", "State of the payment."],
  [11, "merchant_id", "string", "Who was paid."],
  [12, "merchant_name", "string", "Name of who was paid."],
  [13, "country", "string", "ISO 3166 code."],
  [14, "is_international", "boolean", "Whether it crossed a border."],
  [15, "late", "boolean", "Whether it came too late for windows and rules."],
  [16, "is_anomaly", "boolean", "Whether the amount is unusual for its user."],
  [17, "z_score", "double", "Deviations from the user's mean."],
];

const idsOf = (fields: TableSpec["schema"]) => Object.fromEntries(fields.map(([id, name]) => [name, id]));
const transactions = (from: number, to: number): FileSql => ({
  sql: TRANSACTIONS.replace("FROM_", String(from)).replace("TO_", String(to)),
  ids: idsOf(TRANSACTION_FIELDS),
});

const HOSTILE = [
  `<img src=x onerror="globalThis.hacked=1">`,
  `<script>globalThis.hacked=1</script>`,
  `javascript:globalThis.hacked=1`,
  `</script><svg onload=globalThis.hacked=1>`,
  `\u202Egnp.exe`,
  `=HYPERLINK("http://evil.example","x")`,
];

const TABLES: TableSpec[] = [
  {
    name: "processed.transactions",
    schema: TRANSACTION_FIELDS,
    commits: [[transactions(0, 2000)], [transactions(2000, 3000)], [
      transactions(3000, 3500),
      transactions(3500, 4000),
    ]],
  },
  {
    name: "raw.events",
    schema: [[1, "source", "string"], [2, "kind", "string"], [3, "received_at", "timestamp"], [
      4,
      "event_id",
      "string",
    ], [
      5,
      "body",
      "string",
      "The bytes as they came.",
    ], [6, "outcome", "string", "row, duplicate, dead_letter, unmapped or control."]],
    commits: [[{
      sql:
        `SELECT ['stripe','demo','token'][1 + i % 3] AS source, 'transaction' AS kind, ${BASE} + to_seconds(i) AS received_at,
        'evt_' || i AS event_id, '{"id":"evt_' || i || '","amount":' || i || '}' AS body,
        CASE WHEN i % 40 = 0 THEN 'duplicate' WHEN i % 97 = 0 THEN 'dead_letter' ELSE 'row' END AS outcome FROM range(3000) t(i)`,
      ids: { source: 1, kind: 2, received_at: 3, event_id: 4, body: 5, outcome: 6 },
    }]],
  },
  {
    name: "processed.clickstream",
    schema: [
      [1, "event_time", "timestamp"],
      [2, "event_type", "string"],
      [3, "product_id", "string"],
      [
        4,
        "product_category",
        "string",
      ],
      [5, "quantity", "int"],
      [6, "revenue_cents", "long"],
      [7, "is_bot", "boolean"],
    ],
    commits: [[{
      sql:
        `SELECT ${BASE} + to_seconds(i * 9) AS event_time, ['page_view','purchase','search'][1 + i % 3] AS event_type,
        'p_' || (i * 7 % 23) AS product_id, ['books','garden','tools','games'][1 + i % 4] AS product_category,
        (1 + i % 4)::INTEGER AS quantity, (1 + i % 4) * (199 + i % 50)::BIGINT AS revenue_cents, i % 40 = 0 AS is_bot
        FROM range(3000) t(i)`,
      ids: {
        event_time: 1,
        event_type: 2,
        product_id: 3,
        product_category: 4,
        quantity: 5,
        revenue_cents: 6,
        is_bot: 7,
      },
    }]],
  },
  {
    name: "analytics.alerts",
    schema: [
      [1, "alert_id", "string"],
      [2, "rule", "string"],
      [3, "severity", "string"],
      [4, "user_id", "string"],
      [
        5,
        "event_time",
        "timestamp",
      ],
      [6, "description", "string"],
      [7, "trigger_event_ids", LIST_OF_TEXT],
      [8, "z_score", "double"],
    ],
    commits: [[{
      sql:
        `SELECT 'al_' || i AS alert_id, ['rapid_activity','amount_anomaly','unusual_hour'][1 + i % 3] AS rule,
        ['medium','high','low'][1 + i % 3] AS severity, 'user_' || (i % 12) AS user_id, ${BASE} + to_minutes(i * 3) AS event_time,
        'Alert number ' || i AS description, ['evt_' || i, 'evt_' || (i + 1)] AS trigger_event_ids,
        CASE WHEN i % 3 = 1 THEN 3.1 + i / 10 END AS z_score FROM range(60) t(i)`,
      ids: {
        alert_id: 1,
        rule: 2,
        severity: 3,
        user_id: 4,
        event_time: 5,
        description: 6,
        trigger_event_ids: "{__duckdb_field_id: 7, element: 14}",
        z_score: 8,
      },
    }]],
  },
  {
    name: "processed.hostile",
    schema: [[1, "id", "int"], [2, "<b onmouseover=globalThis.hacked=1>", "string"], [
      3,
      "nothing",
      "string",
    ]],
    commits: [[{
      sql: HOSTILE.map((text, at) =>
        `SELECT ${at}::INTEGER AS id, '${
          text.replaceAll("'", "''")
        }' AS "<b onmouseover=globalThis.hacked=1>", NULL::VARCHAR AS nothing`
      ).join(" UNION ALL "),
      ids: { id: 1, "<b onmouseover=globalThis.hacked=1>": 2, nothing: 3 },
    }]],
  },
  {
    name: "processed.evolved",
    schema: [[1, "id", "long"], [2, "customer", "string", "Was user_id once."], [4, "added", "double"]],
    commits: [
      [{
        sql: "SELECT i::INTEGER AS id, 'old_' || i AS user_id, i AS dropped FROM range(3) t(i)",
        ids: { id: 1, user_id: 2, dropped: 3 },
      }],
      [{
        sql:
          "SELECT (i + 5000000000)::BIGINT AS id, 'new_' || i AS customer, i / 2.0::DOUBLE AS added FROM range(3) t(i)",
        ids: { id: 1, customer: 2, added: 4 },
      }],
    ],
  },
  {
    name: "processed.values",
    schema: [[1, "big", "long"], [2, "price", "decimal(18, 4)"], [3, "at", "timestamp"], [
      4,
      "tags",
      LIST_OF_TEXT,
    ], [
      5,
      "pairs",
      { type: "map", "key-id": 15, key: "string", "value-id": 16, value: "string", "value-required": false },
    ], [6, "top", TOP_LIST]],
    commits: [[{
      sql:
        `SELECT 9223372036854775807::BIGINT AS big, -0.0500::DECIMAL(18,4) AS price, TIMESTAMP '2026-01-31 09:30:00.123456' AS at,
        ['a', NULL, 'b'] AS tags, MAP {'k': 'v'} AS pairs, [{'value': 'x', 'count': 3::BIGINT}] AS top
        UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL`,
      ids: {
        big: 1,
        price: 2,
        at: 3,
        tags: "{__duckdb_field_id: 4, element: 14}",
        pairs: "{__duckdb_field_id: 5, key: 15, value: 16}",
        top: "{__duckdb_field_id: 6, element: {__duckdb_field_id: 17, value: 18, count: 19}}",
      },
    }]],
  },
  {
    name: "processed.big",
    schema: [[1, "id", "long"], [2, "word", "string"]],
    commits: [[{
      sql: "SELECT i::BIGINT AS id, 'word ' || hash(i) AS word FROM range(400000) t(i)",
      ids: { id: 1, word: 2 },
    }]],
  },
  {
    name: "analytics.empty_table",
    schema: [[1, "id", "long"], [2, "amount", "decimal(18, 4)"]],
    commits: [[]],
  },
];

const VIEWS: FixtureTable[] = [{
  name: "analytics.completed",
  kind: "view",
  sql: "SELECT * FROM processed.transactions WHERE status = 'completed'",
  schema: [],
  snapshots: [],
}];

export async function makeFixtureLake(more: readonly TableSpec[] = []): Promise<FixtureLake> {
  const folder = await Deno.makeTempDir({ prefix: "page-lake-" });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const tables: FixtureTable[] = [...VIEWS];
  for (const spec of [...TABLES, ...more]) tables.push(await makeTable(spec));
  return {
    folder,
    tables,
    ask: async (sql) =>
      (await connection.runAndReadAll(sql)).getRowsJson().map((row) => row.map((cell) => String(cell))),
    [Symbol.asyncDispose]: () => {
      connection.closeSync();
      instance.closeSync();
      return Deno.remove(folder, { recursive: true });
    },
  };

  async function makeTable(spec: TableSpec): Promise<FixtureTable> {
    const snapshots: FixtureSnapshot[] = [];
    let files: FixtureFile[] = [];
    for (const [at, commit] of spec.commits.entries()) {
      for (const [n, file] of commit.entries()) {
        files = [...files, await makeFile(spec.name, `${at}-${n}`, file)];
      }
      snapshots.push({
        snapshot_id: String(8_000_000_000_000_000 + at),
        committed_at: new Date(STARTED_MS + (at + 1) * 60_000).toISOString(),
        operation: "append",
        files,
      });
    }
    const schema = spec.schema.map(([id, name, type, doc]) => ({ id, name, type, doc }));
    return { name: spec.name, kind: "table", sql: null, schema, snapshots };
  }

  async function makeFile(table: string, name: string, file: FileSql): Promise<FixtureFile> {
    const path = `${table.replace(".", "/")}/data/${name}.parquet`;
    await Deno.mkdir(`${folder}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    const ids = Object.entries(file.ids).map(([column, id]) => `"${column}": ${id}`).join(", ");
    await connection.run(
      `COPY (${file.sql}) TO '${folder}/${path}' (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {${ids}})`,
    );
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM '${folder}/${path}'`);
    const { size } = await Deno.stat(`${folder}/${path}`);
    return {
      name: `${name}.parquet`,
      url: `/lake/${path}`,
      size_bytes: size,
      rows: Number(counted.getRows()[0][0]),
      min: {},
      max: {},
    };
  }
}
