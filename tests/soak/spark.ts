/** Spark with Iceberg's own reader, fetched once into the cache outside the tree: pyspark from PyPI, the runtime from Maven. */
import { DIGEST } from "../cluster/foreign/every_table.ts";
import { isThere } from "../../lib/store/local_file.ts";
import { cacheFolder, fetchBy } from "../fetched.ts";

const PYSPARK = "pyspark==4.1.4";
const RUNTIME = "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0";

export const BY_SPARK = `${DIGEST}
from pyspark.sql import SparkSession
catalog = "spark.sql.catalog.lake"
spark = (SparkSession.builder.master("local[2]").config("spark.jars", args["jar"])
    .config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
    .config(catalog, "org.apache.iceberg.spark.SparkCatalog").config(catalog + ".type", "rest")
    .config(catalog + ".uri", args["uri"]).config(catalog + ".warehouse", "any").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
def by_catalog(name, metadata, snapshot):
    at = "" if snapshot is None else f" VERSION AS OF {snapshot}"
    return [row.asDict(recursive=False) for row in spark.sql(f"SELECT * FROM lake.{name}{at}").collect()]
print(json.dumps({"catalog": each(by_catalog)}))
`;

/** Runs `BY_SPARK` with `args`, and gives what it printed last. */
export async function runSpark(args: Record<string, unknown>): Promise<unknown> {
  const { python, jar } = await sparkFolder();
  const stdout = await must(python, ["-c", BY_SPARK, JSON.stringify({ ...args, jar })], { TZ: "UTC" });
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

async function sparkFolder(): Promise<{ python: string; jar: string }> {
  const folder = `${cacheFolder()}/spark`;
  const python = `${folder}/bin/python`;
  const [, artifact, version] = RUNTIME.split(":");
  const jar = `${folder}/${artifact}-${version}.jar`;
  if (await isThere(`${folder}/ready`)) return { python, jar };
  await Deno.mkdir(folder, { recursive: true });
  await fetchBy("python3", ["-m", "venv", folder]);
  await fetchBy(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYSPARK]);
  await fetchBy("mvn", [
    "-q",
    "-B",
    "dependency:copy",
    `-Dartifact=${RUNTIME}`,
    `-DoutputDirectory=${folder}`,
  ]);
  await Deno.writeTextFile(`${folder}/ready`, "");
  return { python, jar };
}

async function must(command: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  throw new Error(
    `${command} failed:\n${text.decode(stdout).slice(-2000)}${text.decode(stderr).slice(-4000)}`,
  );
}
