/**
 * Records in a Kafka topic to visible rows on S3 (raw + transactions, as `landing`: the rules come behind them), with
 * everything but the owners standing already; reference: DuckDB's own NDJSON-to-Parquet with 2 threads.
 */
import { readSettings } from "../../lib/config.ts";
import { prepareLog } from "../../lib/connect.ts";
import { KafkaLog } from "../../lib/log/kafka_log.ts";
import { startKafkaBroker } from "../cluster/kafka_broker.ts";
import { startS3Server } from "../cluster/s3_server.ts";
import { type Program, settled, startProgram } from "../program.ts";
import type { Bench } from "./bench.ts";
import { duckdbRate } from "./duckdb_landing.ts";
import { fillLog } from "./full_log.ts";
import { landingSeconds } from "./visible.ts";

const RECORDS = 1_000_000;
/** Their times are those of the last quarter of an hour: one day, if not at midnight. */
const PER_SECOND = 1_000;
const TOKEN = "bench-token";

export const landingS3Bench: Bench = {
  name: "landing_s3",
  async run() {
    await using broker = await startKafkaBroker();
    await using s3 = await startS3Server();
    const folder = await Deno.makeTempDir();
    const env = {
      KAFKA_BROKERS: broker.address,
      S3_ENDPOINT: s3.endpoint,
      S3_BUCKET: "millrace",
      S3_ACCESS_KEY_ID: s3.access_key_id,
      S3_SECRET_ACCESS_KEY: s3.secret_access_key,
      API_TOKEN: TOKEN,
    };
    const roles: Program[] = [];
    const begin = async (role: string, more: Record<string, string> = {}) => {
      const program = await startProgram({ role, env: { ...env, ...more, DATA_DIR: `${folder}/${role}` } });
      roles.push(program);
      return program;
    };
    try {
      const reading = readSettings(env, Deno.readTextFileSync);
      if (!reading.ok) throw new Error("Cannot read settings of a bench");
      await prepareLog(reading.settings);
      // Its first upkeep is over when the records come, and the next is due a minute later.
      const maintain = await begin("maintain", { UPKEEP_AFTER_MS: "200", LOG_LEVEL: "debug" });
      const lines: string[] = [];
      await using log = new KafkaLog({ brokers: [broker.address], topic_prefix: "millrace." });
      await fillLog(log, {
        records: RECORDS,
        per_second: PER_SECOND,
        onLines: (some) => {
          for (const line of some) lines.push(line);
        },
      });
      const reference = await duckdbRate(folder, lines);
      const edge = await begin("edge");
      const owners = await begin("process", { PROCESS_WORKERS: "2" });
      // Looks at the status would be requests to the store, from the cores that are measured.
      const seconds = await landingSeconds(owners, maintain, RECORDS);
      await settled(edge.url, TOKEN);
      return [{
        what: "topic to visible rows on S3, from the first claim of an owner",
        value: RECORDS / seconds,
        unit: "records/s",
        reference: { what: "DuckDB NDJSON to Parquet, 2 threads", value: reference },
        must: 0.04,
        goal: 0.08,
      }];
    } finally {
      await Promise.all(roles.map((role) => role.kill()));
      await Deno.remove(folder, { recursive: true });
    }
  },
};
