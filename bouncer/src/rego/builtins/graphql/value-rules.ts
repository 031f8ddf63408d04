/** Rules for values in queries: each one has to be what is expected in its place. Pure. */
import { type Definition, type Type, valueKinds, type ValueNode } from "./ast.ts";
import { fail, find, type Schema, typeName } from "./schema.ts";

/** What is expected in a place; the type is a list where `type` says so. */
export interface Expected {
  readonly type: Type;
  readonly definition: Definition | undefined;
  /** Where nothing is given, something else than null is taken. */
  readonly hasDefault: boolean;
}

export function expect(
  schema: Schema,
  place: { readonly Type: Type | null; readonly DefaultValue: ValueNode | null } | undefined,
): Expected | null {
  if (place === undefined) return null;
  if (place.Type === null) return fail("a type is missing");
  const hasDefault = place.DefaultValue !== null && place.DefaultValue.Kind !== valueKinds.null;
  return { type: place.Type, definition: schema.types.get(typeName(place.Type)), hasDefault };
}

const scalars = ["Int", "Float", "String", "Boolean", "ID"];

export function checkValue(value: ValueNode, expected: Expected | null): void {
  if (expected?.definition === undefined) return;
  const { type, definition } = expected;
  if (value.Kind === valueKinds.null && type.NonNull) fail("null stands where it cannot");
  if (definition.Kind === "SCALAR" && !scalars.includes(definition.Name)) return;
  if (!isReadable(value)) fail(`${value.Raw} is no value`);
  if (value.Kind === valueKinds.list) {
    if (type.Elem === null) fail("a list stands where it cannot");
  } else if (value.Kind === valueKinds.object) checkObject(value, definition);
  else if (!isAllowed(value, definition)) fail(`${value.Raw} is no ${definition.Name}`);
}

function isAllowed(value: ValueNode, { Kind, Name, EnumValues }: Definition): boolean {
  switch (value.Kind) {
    case valueKinds.int:
      return ["Int", "Float", "ID"].includes(Name);
    case valueKinds.float:
      return Name === "Float";
    case valueKinds.string:
    case valueKinds.block:
      return Kind !== "ENUM" && ["String", "ID"].includes(Name);
    case valueKinds.enum:
      return Kind === "ENUM" && find(EnumValues, value.Raw) !== undefined;
    case valueKinds.boolean:
      return Name === "Boolean";
    default:
      return value.Kind === valueKinds.null || value.Kind === valueKinds.variable;
  }
}

/** Numbers have to fit into 64 bits, however deep they stand. */
function isReadable(value: ValueNode | null): boolean {
  if (value === null) return false;
  switch (value.Kind) {
    case valueKinds.int:
      return (
        /^[-+]?\d+$/.test(value.Raw) && BigInt.asIntN(64, BigInt(value.Raw)) === BigInt(value.Raw)
      );
    case valueKinds.float:
      return value.Raw !== "" && Number.isFinite(Number(value.Raw));
    case valueKinds.list:
    case valueKinds.object:
      return value.Children.every((child) => isReadable(child.Value));
    default:
      return true;
  }
}

function checkObject({ Children }: ValueNode, { Name, Fields, Directives }: Definition): void {
  for (const field of Fields) {
    const isRequired = field.Type?.NonNull === true && field.DefaultValue === null;
    if (isRequired && find(Children, field.Name) === undefined) {
      fail(`the field ${field.Name} of ${Name} is missing`);
    }
  }
  const unknown = Children.find((child) => find(Fields, child.Name) === undefined);
  if (unknown !== undefined) fail(`${Name} has no field ${unknown.Name}`);
  if (find(Directives, "oneOf") === undefined) return;
  const [only] = Children;
  if (Children.length !== 1 || only?.Value?.Kind === valueKinds.null) {
    fail(`${Name} needs exactly one field`);
  }
}
