/** The name of a column's type as people read it, whether the API gave an Iceberg type or, of a view, the engine's own. */
import { duckdbType } from "../../lib/query/relation_sql.ts";

export function typeName(type: unknown): string {
  return typeof type === "string" && /^[A-Z]/.test(type) ? type : duckdbType(type);
}
