/** `extra`: JSON text of the fields that have no column, written member by member so that `__proto__` is only a name. */
import { isJsonObject, type JsonObject, ownValue, parseJson } from "./json_text.ts";

/** The members of `body` that `hasColumn` does not claim; null when there are none. */
export function extraText(body: JsonObject, hasColumn: (name: string) => boolean): string | null {
  let text = "";
  for (const key of Object.keys(body)) {
    if (hasColumn(key)) continue;
    text += `${text === "" ? "{" : ","}${JSON.stringify(key)}:${JSON.stringify(ownValue(body, key))}`;
  }
  return text === "" ? null : text + "}";
}

/** The fields that `extraText` wrote; long numbers keep their text. */
export function extraFields(text: string): JsonObject {
  const parsed = parseJson(text);
  return parsed.ok && isJsonObject(parsed.value) ? parsed.value : {};
}
