/** Whether a schema of GraphQL holds together, by the rules of OPA's parser. Pure. */
import type {
  ArgumentDefinition,
  Definition,
  Directive,
  FieldDefinition,
  SchemaDocument,
  Type,
} from "./ast.ts";
import { valueKinds } from "./ast.ts";
import { assemble, fail, find, type Schema, typeName, withIntrospection } from "./schema.ts";

export function buildSchema(document: SchemaDocument): Schema {
  const schema = assemble(document);
  for (const { Directives } of [...document.Schema, ...document.SchemaExtension]) {
    checkDirectives(schema, Directives, "SCHEMA");
  }
  for (const definition of schema.types.values()) checkDefinition(schema, definition);
  checkInputCycles(schema);
  for (const directive of schema.directives.values()) {
    checkName(directive.Name);
    for (const { Directives } of directive.Arguments) {
      if (Directives.some(({ Name }) => Name === directive.Name)) {
        fail(`the directive ${directive.Name} is on an argument of its own`);
      }
    }
    checkArguments(schema, directive.Arguments);
  }
  return withIntrospection(schema);
}

export function isInput(definition: Definition): boolean {
  return ["SCALAR", "ENUM", "INPUT_OBJECT"].includes(definition.Kind);
}

function isOutput(definition: Definition): boolean {
  return definition.Kind !== "INPUT_OBJECT" && definition.Kind !== "";
}

function checkName(name: string): void {
  if (name.startsWith("__")) fail(`the name ${name} is reserved`);
}

function checkUnique(names: readonly string[], what: string): void {
  if (new Set(names).size < names.length) fail(`${what} has two members of one name`);
}

function checkDefinition(schema: Schema, definition: Definition): void {
  const { Kind, Name, Fields, Types, EnumValues, Interfaces } = definition;
  for (const field of Fields) checkField(schema, Kind, field);
  for (const type of Types) {
    if (schema.types.get(type)?.Kind !== "OBJECT") fail(`the union ${Name} has no type ${type}`);
  }
  for (const name of Interfaces) checkInterface(schema, definition, name);
  const needsFields = ["OBJECT", "INTERFACE", "INPUT_OBJECT"].includes(Kind);
  if (needsFields && Fields.length === 0) fail(`the type ${Name} has no fields`);
  if (Kind === "ENUM") checkEnum(schema, definition);
  checkUnique(
    Fields.map((field) => field.Name),
    Name,
  );
  checkUnique(
    EnumValues.map((value) => value.Name),
    Name,
  );
  checkUnique(Types, Name);
  if (!definition.BuiltIn) checkName(Name);
  checkDirectives(schema, definition.Directives, Kind, false);
}

function checkField(schema: Schema, kind: string, field: FieldDefinition): void {
  checkName(field.Name);
  const type = schema.types.get(typeName(field.Type));
  if (type === undefined) return fail(`the field ${field.Name} has an unknown type`);
  checkArguments(schema, field.Arguments);
  const isInputField = kind === "INPUT_OBJECT";
  const location = isInputField ? "INPUT_FIELD_DEFINITION" : "FIELD_DEFINITION";
  checkDirectives(schema, field.Directives, location);
  const isBound = isInputField || kind === "OBJECT" || kind === "INTERFACE";
  if (isBound && !(isInputField ? isInput(type) : isOutput(type))) {
    fail(`the field ${field.Name} cannot have that type`);
  }
}

function checkEnum(schema: Schema, { Name, EnumValues }: Definition): void {
  if (EnumValues.length === 0) fail(`the enum ${Name} has no values`);
  for (const value of EnumValues) {
    if (["true", "false", "null"].includes(value.Name)) fail(`${value.Name} cannot be in an enum`);
    checkDirectives(schema, value.Directives, "ENUM_VALUE");
  }
}

function checkArguments(schema: Schema, args: readonly ArgumentDefinition[]): void {
  for (const { Name, Type: type, Directives } of args) {
    checkName(Name);
    const definition = schema.types.get(typeName(type));
    if (definition === undefined || !isInput(definition)) {
      fail(`the argument ${Name} cannot have that type`);
    }
    checkDirectives(schema, Directives, "ARGUMENT_DEFINITION");
  }
}

/** Those of a type may be repeated, since its extensions are places of their own. */
function checkDirectives(
  schema: Schema,
  directives: readonly Directive[],
  location: string,
  isOnePlace = true,
): void {
  const seen = new Set<string>();
  for (const directive of directives) {
    const { Name, Arguments } = directive;
    checkName(Name);
    const definition = schema.directives.get(Name);
    if (definition === undefined) return fail(`there is no directive ${Name}`);
    if (isOnePlace && seen.has(Name) && !definition.IsRepeatable) fail(`${Name} is there twice`);
    seen.add(Name);
    if (!definition.Locations.includes(location)) fail(`${Name} cannot be on ${location}`);
    const unknown = Arguments.find((each) => find(definition.Arguments, each.Name) === undefined);
    if (unknown !== undefined) fail(`the directive ${Name} has no argument ${unknown.Name}`);
    definition.Arguments.forEach((argument) => checkRequired(argument, directive));
  }
}

function checkRequired(argument: ArgumentDefinition, directive: Directive): void {
  if (argument.Type?.NonNull !== true || argument.DefaultValue !== null) return;
  const given = find(directive.Arguments, argument.Name);
  if (given === undefined || given.Value === null || given.Value.Kind === valueKinds.null) {
    fail(`the directive ${directive.Name} needs the argument ${argument.Name}`);
  }
}

function checkInterface(schema: Schema, definition: Definition, name: string): void {
  const parent = schema.types.get(name);
  if (parent?.Kind !== "INTERFACE") return fail(`${name} is no interface`);
  for (const required of parent.Fields) {
    const field = find(definition.Fields, required.Name);
    if (field === undefined) return fail(`${definition.Name} lacks the field ${required.Name}`);
    if (!isCovariant(schema, required.Type, field.Type)) {
      fail(`the field ${field.Name} has another type than in ${name}`);
    }
    checkInterfaceArguments(required, field);
  }
  const missing = parent.Interfaces.find((each) => !definition.Interfaces.includes(each));
  if (missing !== undefined) fail(`${definition.Name} does not implement ${missing}`);
}

function checkInterfaceArguments(required: FieldDefinition, field: FieldDefinition): void {
  for (const argument of required.Arguments) {
    const found = find(field.Arguments, argument.Name);
    if (found === undefined || !isCompatible(argument.Type, found.Type)) {
      fail(`the argument ${argument.Name} is not as in the interface`);
    }
  }
  for (const argument of field.Arguments) {
    const isRequired = argument.Type?.NonNull === true && argument.DefaultValue === null;
    if (isRequired && find(required.Arguments, argument.Name) === undefined) {
      fail(`the argument ${argument.Name} is not in the interface and has no default`);
    }
  }
}

function isCovariant(schema: Schema, required: Type | null, actual: Type | null): boolean {
  if (required === null || actual === null) return false;
  if (required.NonNull && !actual.NonNull) return false;
  if (required.NamedType !== "") {
    const isSame = required.NamedType === actual.NamedType;
    return isSame || schema.possible.get(required.NamedType)?.has(actual.NamedType) === true;
  }
  return isCovariant(schema, required.Elem, actual.Elem);
}

/** A value of the one type may stand where the other one is expected. */
export function isCompatible(type: Type | null, expected: Type | null): boolean {
  if (type === null || expected === null) return type === expected;
  if (type.NamedType !== expected.NamedType) return false;
  if (type.Elem !== null && !isCompatible(type.Elem, expected.Elem)) return false;
  return type.NonNull || !expected.NonNull;
}

/** Input objects that cannot be written down, since each one needs another one. */
function checkInputCycles(schema: Schema): void {
  const done = new Set<string>();
  const path = new Set<string>();
  const walk = (definition: Definition | undefined): void => {
    if (definition?.Kind !== "INPUT_OBJECT") return;
    const { Name, Fields } = definition;
    if (path.has(Name)) fail(`the input ${Name} needs itself`);
    if (done.has(Name)) return;
    done.add(Name);
    path.add(Name);
    for (const { Type: type } of Fields) {
      if (type?.NonNull === true && type.NamedType !== "") walk(schema.types.get(type.NamedType));
    }
    path.delete(Name);
  };
  for (const definition of schema.types.values()) walk(definition);
}
