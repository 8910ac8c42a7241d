/** One body a kind, written by hand with its row: the normal form must not drift. */
import { deepStrictEqual } from "node:assert/strict";
import { decodeJson } from "../../lib/event/json_text.ts";
import { SHIPPED_KINDS } from "../../lib/event/kinds.ts";
import { timestampCell } from "../../lib/event/timestamp.ts";

const FOLDER = new URL("../fixtures/events/", import.meta.url);

Deno.test("every kind has a golden body and makes its row", async () => {
  const folders = [...Deno.readDirSync(FOLDER)].map((entry) => entry.name).sort();
  deepStrictEqual(folders, SHIPPED_KINDS.map((kind) => kind.name).sort());
  for (const kind of SHIPPED_KINDS) {
    const decoded = decodeJson(await Deno.readFile(new URL(`${kind.name}/body.json`, FOLDER)));
    const row = JSON.parse(await Deno.readTextFile(new URL(`${kind.name}/row.json`, FOLDER)));
    const checked = kind.check(decoded.ok ? decoded.value : null);
    if (!checked.ok) throw new Error(`${kind.name}: ${JSON.stringify(checked.faults)}`);
    const { event_id, event_time_ms, event_time_sub_us, cells } = checked.event;
    const event_time = timestampCell(event_time_ms, event_time_sub_us);
    deepStrictEqual({ event_id, event_time, cells }, row, kind.name);
  }
});
