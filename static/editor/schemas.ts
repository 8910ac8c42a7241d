/** The columns of each table, asked for when somebody needs them and then known. */
import { fieldsOf, type SchemaField } from "../engine/lake.ts";
import { getJson } from "../shared/api.ts";

export class Schemas {
  #known = new Map<string, Promise<readonly SchemaField[]>>();

  of(name: string): Promise<readonly SchemaField[]> {
    let asked = this.#known.get(name);
    if (!asked) {
      asked = getJson<{ schema?: Parameters<typeof fieldsOf>[0] }>(`/api/tables/${encodeURIComponent(name)}`)
        .then((answer) => fieldsOf(answer.schema));
      this.#known.set(name, asked);
      asked.catch(() => this.#known.delete(name));
    }
    return asked;
  }

  /** Columns may have changed: they are asked for anew when they are needed. */
  forget(): void {
    this.#known.clear();
  }
}
