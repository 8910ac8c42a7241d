/**
 * Whether a value has the shape that a JSON Schema says: the words of our own description and no others, and stricter
 * than the standard, since a member that the schema does not name is a fault of the description.
 */

type Schema = Readonly<Record<string, unknown>>;

const KNOWN = new Set([
  "type",
  "properties",
  "required",
  "items",
  "enum",
  "anyOf",
  "additionalProperties",
  "format",
  "description",
  "$ref",
]);
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** What of `value` is not as `schema` says, each with its place; `named` are the schemas that it may refer to. */
export function shapeFaults(
  schema: Schema,
  value: unknown,
  named: Readonly<Record<string, Schema>>,
  at = "",
): string[] {
  const strange = Object.keys(schema).filter((word) => !KNOWN.has(word));
  if (strange.length > 0) throw new TypeError(`this reading of schemas does not know ${strange}`);
  if (typeof schema.$ref === "string") {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    return shapeFaults(named[name], value, named, at);
  }
  if (Array.isArray(schema.anyOf)) {
    const faults = schema.anyOf.map((one: Schema) => shapeFaults(one, value, named, at));
    return faults.some((found) => found.length === 0) ? [] : faults.flat();
  }
  const fault = (
    state: string,
  ) => [`${at || "the answer"} ${state}: ${JSON.stringify(value)?.slice(0, 100)}`];
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return fault(`is none of ${schema.enum}`);
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => isType(value, String(type)))) return fault(`is no ${types}`);
  if (value !== null && schema.format === "date-time" && !TIME.test(String(value))) {
    return fault("is no time");
  }
  if (value !== null && schema.format === "date" && !DAY.test(String(value))) return fault("is no day");
  if (Array.isArray(value)) {
    const items = schema.items as Schema | undefined;
    return items ? value.flatMap((item, i) => shapeFaults(items, item, named, `${at}[${i}]`)) : [];
  }
  return typeof value === "object" && value !== null ? memberFaults(schema, value, named, at) : [];
}

function memberFaults(
  schema: Schema,
  value: object,
  named: Readonly<Record<string, Schema>>,
  at: string,
): string[] {
  const properties = schema.properties as Record<string, Schema> | undefined;
  const others = schema.additionalProperties;
  const missing = ((schema.required ?? []) as string[]).filter((name) => !(name in value));
  const inside = Object.entries(value).flatMap(([name, member]) => {
    const place = at === "" ? name : `${at}.${name}`;
    if (properties && Object.hasOwn(properties, name)) {
      return shapeFaults(properties[name], member, named, place);
    }
    if (typeof others === "object" && others !== null) {
      return shapeFaults(others as Schema, member, named, place);
    }
    return others === true || properties === undefined ? [] : [`${place} is not described`];
  });
  return [...missing.map((name) => `${at === "" ? name : `${at}.${name}`} is missing`), ...inside];
}

function isType(value: unknown, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isSafeInteger(value);
    case "string":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    default:
      throw new TypeError(`this reading of schemas does not know the type ${type}`);
  }
}
