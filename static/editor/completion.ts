/** Completion: tables after FROM, columns of the tables in scope, aliases, CTEs with their columns, functions, keywords. */
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { typeName } from "../shared/type_name.ts";
import type { Lake } from "../engine/lake.ts";
import { NameIndex, quoteIdentifier } from "../sql/names.ts";
import { type Scope, type ScopedRelation, scopeOf } from "../sql/scope.ts";
import { statementAt } from "../sql/statements.ts";
import { OFFERED_KEYWORDS } from "./duckdb_dialect.ts";
import type { Schemas } from "./schemas.ts";

/** Functions of the engine by name, with what they take and do. */
export interface FunctionInfo {
  name: string;
  detail: string;
  description: string;
}

export class SqlCompletion {
  functions: readonly FunctionInfo[] = [];

  constructor(readonly lake: Lake, readonly schemas: Schemas) {}

  readonly source = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const text = context.state.doc.toString();
    const word = context.matchBefore(/[\p{L}_][\p{L}\p{N}_$]*/u);
    const from = word?.from ?? context.pos;
    if (isInText(text, context.pos)) return null;
    const before = text.slice(0, from);
    if (isParameter(before)) return null;
    const statement = statementAt(text, context.pos);
    const scope = scopeOf(statement ? text.slice(statement.from, Math.max(statement.to, context.pos)) : text);
    const qualifier = /((?:[\p{L}_][\p{L}\p{N}_$]*|"[^"]+")(?:\.(?:[\p{L}_][\p{L}\p{N}_$]*|"[^"]+"))*)\.$/u
      .exec(before)?.[1];
    if (qualifier) {
      return { from, options: await this.#members(qualifier.replaceAll('"', ""), scope), validFor: /^\w*$/ };
    }
    if (!word && !context.explicit) return null;
    const expectsTable = /\b(from|join|describe|summarize|table|into|pivot|unpivot)\s+$/i.test(before) ||
      /\bfrom\b[^;()]*,\s*$/i.test(lastClause(before));
    const options = expectsTable ? this.#tables(scope) : await this.#expressions(scope);
    return { from, options, validFor: /^[\p{L}\p{N}_$]*$/u };
  };

  /** What stands after `qualifier.`: tables of a stage, columns of an alias, a table or a CTE. */
  async #members(qualifier: string, scope: Scope): Promise<Completion[]> {
    const inStage = this.lake.tables.filter((table) => table.name.startsWith(`${qualifier.toLowerCase()}.`));
    if (inStage.length > 0) {
      return inStage.map((table) => ({
        label: table.name.slice(qualifier.length + 1),
        type: "class",
        detail: table.kind,
      }));
    }
    const relation =
      scope.relations.find((one) => (one.alias ?? "").toLowerCase() === qualifier.toLowerCase()) ??
        { name: qualifier, alias: null };
    return await this.#columns(relation, scope);
  }

  async #columns(relation: ScopedRelation, scope: Scope): Promise<Completion[]> {
    const cte = scope.ctes.find((one) => one.name.toLowerCase() === relation.name.toLowerCase());
    if (cte) {
      const starred = await Promise.all(
        cte.starred.filter((one) => one.name !== cte.name).map((one) => this.#columns(one, scope)),
      );
      return [
        ...cte.columns.map((label) => ({ label: safe(label), type: "property", detail: cte.name })),
        ...starred.flat(),
      ];
    }
    const name = new NameIndex(this.lake.tables.map((table) => table.name)).find(relation.name.split("."));
    if (!name) return [];
    try {
      const fields = await this.schemas.of(name);
      return fields.map((field) => ({
        label: safe(field.name),
        type: "property",
        detail: typeName(field.type),
        info: field.doc,
        boost: 2,
      }));
    } catch {
      // The tree shows that the schema cannot be read; completion goes on without it.
      return [];
    }
  }

  #tables(scope: Scope): Completion[] {
    return [
      ...scope.ctes.map((cte) => ({ label: cte.name, type: "class", detail: "CTE", boost: 3 })),
      ...this.lake.tables.map((table) => ({
        label: table.name,
        type: "class",
        detail: table.kind,
        boost: 1,
      })),
      ...["processed", "analytics", "raw"].map((stage) => ({
        label: stage,
        type: "namespace",
        detail: "stage",
      })),
    ];
  }

  async #expressions(scope: Scope): Promise<Completion[]> {
    const columns = (await Promise.all(scope.relations.map((relation) => this.#columns(relation, scope))))
      .flat();
    const aliases = scope.relations.filter((one) => one.alias !== null);
    const options: Completion[] = [
      ...columns,
      ...aliases.map((one) => ({ label: one.alias ?? "", type: "variable", detail: one.name, boost: 1 })),
      ...this.functions.map((one) => ({
        label: one.name,
        type: "function",
        detail: one.detail,
        info: one.description || undefined,
        apply: `${one.name}(`,
        boost: -1,
      })),
      ...OFFERED_KEYWORDS.map((label) => ({ label, type: "keyword", boost: -2 })),
      ...this.#tables(scope).map((one) => ({ ...one, boost: -3 })),
    ];
    const seen = new Set<string>();
    return options.filter((one) => !seen.has(one.label) && seen.add(one.label));
  }
}

/** A name as it must be written. */
function safe(name: string): string {
  return /^[a-z_][a-z0-9_]*$/i.test(name) ? name : quoteIdentifier(name);
}

function isInText(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  return /--/.test(line) || (line.match(/'/g)?.length ?? 0) % 2 === 1;
}

/** The name of a parameter (`:name`) is anybody's; after `::` a type stands. */
function isParameter(before: string): boolean {
  return /(?<!:):$/.test(before);
}

function lastClause(text: string): string {
  return text.split(/\b(?:where|select|on|group|order|having|limit)\b/i).at(-1) ?? "";
}
