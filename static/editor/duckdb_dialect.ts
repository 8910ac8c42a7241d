/** DuckDB's SQL as the editor colours and completes it: its keywords, its types, and how it writes names and texts. */
import { SQLDialect } from "@codemirror/lang-sql";

/** Words that are offered while writing; the rest is only coloured. */
export const OFFERED_KEYWORDS: readonly string[] =
  ("SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT OFFSET JOIN LEFT RIGHT FULL INNER CROSS ASOF POSITIONAL SEMI ANTI " +
    "LATERAL ON USING AS AND OR NOT IN IS NULL LIKE ILIKE SIMILAR BETWEEN CASE WHEN THEN ELSE END DISTINCT UNION ALL " +
    "INTERSECT EXCEPT WITH RECURSIVE MATERIALIZED VALUES OVER PARTITION ROWS RANGE PRECEDING FOLLOWING UNBOUNDED CURRENT " +
    "ROW QUALIFY WINDOW FILTER EXCLUDE REPLACE RENAME COLUMNS PIVOT UNPIVOT DESCRIBE SUMMARIZE SHOW EXPLAIN ANALYZE DESC ASC " +
    "NULLS FIRST LAST INTERVAL CAST TRY_CAST TRUE FALSE EXISTS SAMPLE TABLESAMPLE CREATE TEMP TABLE VIEW MACRO " +
    "GROUPING SETS ROLLUP CUBE UNNEST ORDINALITY").split(" ");

const OTHER_KEYWORDS =
  "add alter any attach begin check collate column comment commit constraint copy default delete detach do drop escape " +
  "export extract fetch force from function glob if immediate import increment index insert install into isnull key " +
  "load map match maxvalue merge minvalue natural next notnull of only outer over overlaps ignore respect nothing pragma primary " +
  "references returning rollback schema sequence set some start struct subscript substring symmetric table to top " +
  "transaction trim truncate unique update use variable vacuum with within without work xor by name position";

const TYPES =
  "bigint bignum binary bit bitstring blob bool boolean bytea char date datetime dec decimal double enum float float4 float8 " +
  "hugeint int int1 int2 int4 int8 integer interval json list long map numeric real short signed smallint string struct text " +
  "time timestamp timestamp_ms timestamp_ns timestamp_s timestamptz tinyint ubigint uhugeint uinteger union usmallint utinyint " +
  "uuid varbinary varchar";

export const DUCKDB = SQLDialect.define({
  keywords: `${OFFERED_KEYWORDS.join(" ").toLowerCase()} ${OTHER_KEYWORDS}`,
  types: TYPES,
  builtin: "current_date current_time current_timestamp localtime localtimestamp rowid",
  doubleDollarQuotedStrings: true,
  operatorChars: "+-*/<>=~!@%^&|?",
  specialVar: "$:",
  identifierQuotes: '"',
  caseInsensitiveIdentifiers: true,
});
