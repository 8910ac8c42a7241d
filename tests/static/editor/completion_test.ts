import assert from "node:assert/strict";
import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { SqlCompletion } from "../../../static/editor/completion.ts";
import type { Schemas } from "../../../static/editor/schemas.ts";
import type { Lake } from "../../../static/engine/lake.ts";

/** What is offered at the end of the text, as after a press of Ctrl+Space. */
async function offered(text: string): Promise<readonly string[] | null> {
  const lake = { tables: [{ name: "processed.transactions", kind: "table" }] } as unknown as Lake;
  const schemas = {
    of: () => Promise.resolve([{ id: 1, name: "amount", type: "double" }]),
  } as unknown as Schemas;
  const context = new CompletionContext(EditorState.create({ doc: text }), text.length, true);
  const found = await new SqlCompletion(lake, schemas).source(context);
  return found && found.options.map((one) => one.label);
}

Deno.test("`SqlCompletion` offers nothing where a parameter is named", async () => {
  assert.equal(await offered("select * from processed.transactions limit :"), null);
  assert.equal(await offered("select * from processed.transactions limit :n"), null);
  assert.ok((await offered("select am"))?.includes("SELECT"));
  assert.ok((await offered("select * from processed.transactions where am"))?.includes("amount"));
  assert.notEqual(await offered("select '1'::int"), null);
});
