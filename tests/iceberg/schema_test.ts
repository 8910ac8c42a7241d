/** Schemas: ids in the order of the format, never used twice, and no change that would make a file unreadable. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  canWiden,
  changeFields,
  type ColumnLike,
  columnOf,
  missingColumns,
  numberFields,
  type SchemaChange,
} from "../../lib/iceberg/schema.ts";
import { evolveSchema, newTableMetadata } from "../../lib/iceberg/update.ts";

const COLUMNS: ColumnLike[] = [
  { name: "id", type: "long", doc: "A number." },
  {
    name: "tags",
    type: { list: { struct: [{ name: "k", type: "string" }, { name: "v", type: { list: "int" } }] } },
  },
  { name: "map", type: { map: "decimal(18, 4)" } },
  { name: "at", type: "timestamp" },
];

Deno.test("`numberFields` numbers the top level first, then what is nested, in order", () => {
  const { fields, last_column_id } = numberFields(COLUMNS);
  assert.deepEqual(fields.map((field) => field.id), [1, 2, 3, 4]);
  assert.deepEqual(fields[1].type, {
    type: "list",
    "element-id": 5,
    "element-required": false,
    element: {
      type: "struct",
      fields: [
        { id: 6, name: "k", required: false, type: "string" },
        {
          id: 7,
          name: "v",
          required: false,
          type: { type: "list", "element-id": 8, "element-required": false, element: "int" },
        },
      ],
    },
  });
  assert.deepEqual(fields[2].type, {
    type: "map",
    "key-id": 9,
    key: "string",
    "value-id": 10,
    value: "decimal(18, 4)",
    "value-required": false,
  });
  assert.equal(last_column_id, 10);
  assert.deepEqual(fields.map(columnOf), COLUMNS);
});

Deno.test("`changeFields` never gives an id twice", () => {
  const names = fc.constantFrom("a", "b", "c", "d");
  const change: fc.Arbitrary<SchemaChange> = fc.oneof(
    names.map((name) => ({ change: "add" as const, column: { name, type: { list: "string" } } })),
    names.map((name) => ({ change: "drop" as const, name })),
    fc.record({ change: fc.constant("rename" as const), name: names, to: names }),
  );
  fc.assert(fc.property(fc.array(change), (changes) => {
    let numbered = numberFields([{ name: "a", type: "int" }]);
    const given = new Map([[1, "int"]]);
    for (const one of changes) {
      try {
        numbered = changeFields(numbered, one);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "schema_refused");
        continue;
      }
      for (const field of numbered.fields) {
        const known = given.get(field.id) ?? JSON.stringify(field.type);
        assert.equal(given.get(field.id) ?? known, field.id === 1 ? "int" : JSON.stringify(field.type));
        given.set(field.id, known);
      }
      assert.equal(new Set(numbered.fields.map((field) => field.name)).size, numbered.fields.length);
    }
  }));
});

Deno.test("`canWiden` allows what old files can be read as, and nothing else", () => {
  const wider = [["int", "long"], ["float", "double"], ["decimal(9, 2)", "decimal(38, 2)"], [
    "string",
    "string",
  ]];
  for (const [from, to] of wider) assert.ok(canWiden(from, to), `${from} ${to}`);
  const others = [
    ["long", "int"],
    ["int", "double"],
    ["decimal(9, 2)", "decimal(9, 3)"],
    ["decimal(9, 2)", "decimal(8, 2)"],
    ["decimal(9, 2)", "decimal(39, 2)"],
    ["int", "string"],
  ];
  for (const [from, to] of others) assert.ok(!canWiden(from, to), `${from} ${to}`);
});

Deno.test("`evolveSchema` keeps old schemas, and refuses what readers or partitions cannot bear", () => {
  const metadata = newTableMetadata({
    uuid: "u",
    location: "s3://b/t",
    columns: COLUMNS,
    partition: [{ column: "at", transform: "day" }],
    at: 1,
  });
  const next = evolveSchema(metadata, [{ change: "rename", name: "at", to: "event_time" }], 2);
  assert.equal(next["current-schema-id"], 1);
  assert.deepEqual(next.schemas[0], metadata.schemas[0]);
  assert.deepEqual(next["partition-specs"], metadata["partition-specs"]);
  const refused: SchemaChange[] = [
    { change: "drop", name: "at" },
    { change: "widen", name: "id", type: "int" },
    { change: "drop", name: "nothing" },
    { change: "add", column: { name: "ID", type: "int" } },
    { change: "rename", name: "id", to: "Map" },
    { change: "add", column: { name: "at_day", type: "int" } },
    { change: "rename", name: "id", to: "At_Day" },
    { change: "add", column: { name: "_file", type: "int" } },
    { change: "rename", name: "id", to: "_partition" },
  ];
  for (const change of refused) {
    assert.throws(() => evolveSchema(metadata, [change], 2), { code: "schema_refused", blame: "sender" });
  }
  assert.equal(evolveSchema(metadata, [], 2), metadata);
});

Deno.test("`newTableMetadata` lets no column have a name of the format's own, nor that of the partitions", () => {
  const metadata = (...names: string[]) =>
    newTableMetadata({
      uuid: "u",
      location: "s3://b/t",
      columns: [{ name: "at", type: "timestamp" }, ...names.map((name) => ({ name, type: "int" }))],
      partition: [{ column: "at", transform: "day" }],
      at: 1,
    });
  const partitions = (...names: string[]) => metadata(...names)["partition-specs"][0].fields[0].name;
  assert.equal(partitions("id"), "at_day");
  assert.equal(partitions("At_Day", "at_day_"), "at_day__");
  assert.throws(() => metadata("_POS"), { code: "schema_refused" });
});

Deno.test("`missingColumns` names what a newer program has more, in its order", () => {
  const { fields } = numberFields(COLUMNS.slice(0, 2));
  const added = missingColumns(fields, COLUMNS).map((one) => one.change === "add" && one.column.name);
  assert.deepEqual(added, ["map", "at"]);
});
