/** Whether a change of a kind's columns may be made, and the list with it: what anybody leans on is refused by name. Pure. */
import { PLAIN_TYPES, typeNamed } from "../event/cell.ts";
import { type ColumnChange, evolvedColumns, isColumnName } from "../event/column_change.ts";
import { COMMON_COLUMNS } from "../event/common_columns.ts";
import type { Kind } from "../event/kind.ts";
import { Fault } from "../errors.ts";
import { type ColumnUsers, usesOf } from "./column_uses.ts";

/** The type as tables have it: `decimal(18,4)` is `decimal(18, 4)`. */
export function columnType(text: string): string {
  const type = typeNamed(text.trim().toLowerCase());
  if (type !== null) return String(type);
  throw refused(`make a column ${text}`, `there are ${PLAIN_TYPES.join(", ")} and decimal(p, s)`);
}

/** The changes of `kind` with one more at the end. What the table itself forbids is found when it is changed. */
export function withChange(
  kind: Kind,
  changes: readonly ColumnChange[],
  change: ColumnChange,
  users: ColumnUsers,
): ColumnChange[] {
  switch (change.change) {
    case "add":
      refuseName(kind, changes, change.column.name, `add ${change.column.name}`);
      refuseOtherType(kind, change.column);
      break;
    case "widen":
      refuseCommon(change.name, "widen");
      if (
        evolvedColumns(kind, changes).some(({ name, type }) => name === change.name && type === change.type)
      ) {
        throw refused(`widen ${change.name} to ${change.type}`, "it has that type already");
      }
      break;
    case "rename":
      refuseName(kind, changes, change.to, `rename ${change.name} to ${change.to}`);
      if (kind.columns.some((column) => column.name === change.to)) {
        throw refused(`rename ${change.name} to ${change.to}`, `the kind has a field of that name`);
      }
      refuseUsed(kind, changes, { ...change, verb: "rename", users });
      break;
    case "drop":
      refuseUsed(kind, changes, { ...change, verb: "drop", users });
      break;
  }
  return [...changes, change];
}

/** A column takes the field of its name, so no two may take the same. */
function refuseName(kind: Kind, changes: readonly ColumnChange[], name: string, what: string): void {
  if (!isColumnName(name)) {
    throw refused(
      what,
      "a name has letters, digits and _, begins with no digit, has at most 63 characters, and is no word of the language " +
        "like constructor",
    );
  }
  if (name === "timestamp") throw refused(what, "the field timestamp is stored as event_time");
  const declared = kind.columns.some((column) => column.name === name);
  if (!declared && Object.hasOwn(Object(kind.schema.properties), name)) {
    throw refused(what, `${name} is another name of a field that has a column`);
  }
  const taker = evolvedColumns(kind, changes).find((column) =>
    column.name !== name && (column.declared === name || column.fields.includes(name))
  );
  if (taker) throw refused(what, `the field ${name} goes into the column ${taker.name}`);
}

function refuseOtherType(kind: Kind, { name, type }: { name: string; type: string }): void {
  const declared = kind.columns.find((column) => column.name === name);
  if (declared && declared.type !== type) {
    throw refused(`add ${name} as ${type}`, `the kind has it as ${declared.type}`);
  }
}

function refuseCommon(name: string, verb: string): void {
  if (!COMMON_COLUMNS.some((column) => column.name === name)) return;
  throw refused(`${verb} ${name}`, "the table of every kind has this column");
}

function refuseUsed(
  kind: Kind,
  changes: readonly ColumnChange[],
  { name, verb, users }: { name: string; verb: string; users: ColumnUsers },
): void {
  refuseCommon(name, verb);
  const column = evolvedColumns(kind, changes).find((one) => one.name === name);
  if (!column) return;
  const uses = usesOf(kind, column, users);
  if (uses.length > 0) throw refused(`${verb} ${name}`, `it is used by ${uses.join(", ")}`);
}

function refused(what: string, state: string): Fault {
  return new Fault("change_refused", `Cannot ${what}: ${state}`, { blame: "sender", retry: "never" });
}
