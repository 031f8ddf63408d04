/** A schema of GraphQL put together from its definitions and extensions. Pure. */
import { BuiltinError } from "../../builtin.ts";
import type {
  Definition,
  DirectiveDefinition,
  FieldDefinition,
  SchemaDefinition,
  SchemaDocument,
  Type,
} from "./ast.ts";
import { prelude, replaceable } from "./prelude.ts";

export type Operation = "query" | "mutation" | "subscription";

export interface Schema {
  readonly types: ReadonlyMap<string, Definition>;
  readonly directives: ReadonlyMap<string, DirectiveDefinition>;
  /** The names of what a value of the type can be. */
  readonly possible: ReadonlyMap<string, ReadonlySet<string>>;
  readonly roots: ReadonlyMap<Operation, string>;
}

export function fail(message: string): never {
  throw new BuiltinError(`GraphQL: ${message}`);
}

export function typeName(type: Type | null): string {
  if (type === null) return fail("a type is missing");
  return type.NamedType === "" ? typeName(type.Elem) : type.NamedType;
}

const indexes = new WeakMap<object, ReadonlyMap<string, number>>();

/** The first member of that name, by an index that is made once for each list. */
export function find<T extends { readonly Name: string }>(
  list: readonly T[],
  name: string,
): T | undefined {
  if (list.length < 8) return list.find((member) => member.Name === name);
  let index = indexes.get(list);
  if (index === undefined) {
    const places = [...list.entries()].map(([at, member]) => [member.Name, at] as const);
    index = new Map(places.toReversed());
    indexes.set(list, index);
  }
  return list[index.get(name) ?? -1];
}

export function assemble(document: SchemaDocument): Schema {
  const common = prelude();
  const types = collectTypes([...common.Definitions, ...document.Definitions], document.Extensions);
  return {
    types,
    directives: collectDirectives([...common.Directives, ...document.Directives]),
    possible: collectPossible([...types.values()]),
    roots: collectRoots(types, document),
  };
}

function collectTypes(
  definitions: readonly Definition[],
  extensions: readonly Definition[],
): ReadonlyMap<string, Definition> {
  const types = new Map<string, Definition>();
  for (const definition of definitions) {
    if (types.has(definition.Name)) fail(`the type ${definition.Name} is there twice`);
    types.set(definition.Name, definition);
  }
  for (const extension of extensions) {
    const base = types.get(extension.Name);
    if (base !== undefined && base.Kind !== extension.Kind) {
      fail(`the type ${base.Name} is extended as another kind`);
    }
    types.set(extension.Name, base === undefined ? extension : extend(base, extension));
  }
  return types;
}

function extend(base: Definition, extension: Definition): Definition {
  return {
    ...base,
    Directives: [...base.Directives, ...extension.Directives],
    Interfaces: [...base.Interfaces, ...extension.Interfaces],
    Fields: [...base.Fields, ...extension.Fields],
    Types: [...base.Types, ...extension.Types],
    EnumValues: [...base.EnumValues, ...extension.EnumValues],
  };
}

function collectDirectives(
  definitions: readonly DirectiveDefinition[],
): ReadonlyMap<string, DirectiveDefinition> {
  const directives = new Map<string, DirectiveDefinition>();
  for (const definition of definitions) {
    const { Name } = definition;
    if (directives.has(Name) && !replaceable.includes(Name)) {
      fail(`the directive ${Name} is there twice`);
    }
    directives.set(Name, definition);
  }
  return directives;
}

function collectPossible(
  definitions: readonly Definition[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const possible = new Map<string, Set<string>>();
  const add = (name: string, member: string): void => {
    possible.set(name, (possible.get(name) ?? new Set()).add(member));
  };
  for (const { Kind, Name, Interfaces, Types } of definitions) {
    if (Kind === "UNION") for (const type of Types) add(Name, type);
    if (Kind === "OBJECT" || Kind === "INPUT_OBJECT" || Kind === "INTERFACE") {
      for (const type of Interfaces) add(type, Name);
    }
    if (Kind === "OBJECT" || Kind === "INPUT_OBJECT") add(Name, Name);
  }
  return possible;
}

const defaultRoots: readonly (readonly [Operation, string])[] = [
  ["query", "Query"],
  ["mutation", "Mutation"],
  ["subscription", "Subscription"],
];

function isOperation(name: string): name is Operation {
  return defaultRoots.some(([operation]) => operation === name);
}

function collectRoots(
  types: ReadonlyMap<string, Definition>,
  { Schema, SchemaExtension }: SchemaDocument,
): ReadonlyMap<Operation, string> {
  if (Schema.length > 1) fail("there are two schemas");
  const roots = new Map<Operation, string>();
  for (const { OperationTypes } of [...Schema, ...SchemaExtension] satisfies SchemaDefinition[]) {
    for (const { Operation: name, Type: type } of OperationTypes) {
      if (!types.has(type)) fail(`there is no type ${type} for the root ${name}`);
      if (isOperation(name)) roots.set(name, type);
    }
  }
  if (Schema.length > 0) return roots;
  for (const [operation, type] of defaultRoots) {
    if (!roots.has(operation) && types.has(type)) roots.set(operation, type);
  }
  return roots;
}

const plain = {
  Description: "",
  DefaultValue: null,
  Directives: [],
  BeforeDescriptionComment: null,
  AfterDescriptionComment: null,
} as const;

function typeOf(name: string, NonNull: boolean): Type {
  return { NamedType: name, Elem: null, NonNull };
}

export const typenameField: FieldDefinition = {
  ...plain,
  Name: "__typename",
  Arguments: [],
  Type: typeOf("String", false),
};

/** What can be asked of a query besides its own fields; only after the schema was checked. */
export function withIntrospection(schema: Schema): Schema {
  const name = schema.roots.get("query");
  const query = name === undefined ? undefined : schema.types.get(name);
  if (query === undefined) return schema;
  const argument = { ...plain, Name: "name", Type: typeOf("String", true) };
  const fields: readonly FieldDefinition[] = [
    ...query.Fields,
    { ...plain, Name: "__schema", Arguments: [], Type: typeOf("__Schema", true) },
    { ...plain, Name: "__type", Arguments: [argument], Type: typeOf("__Type", false) },
  ];
  return { ...schema, types: new Map(schema.types).set(query.Name, { ...query, Fields: fields }) };
}
