/** Documents of GraphQL as Rego values, without what is empty, and back. Pure. */
import { BuiltinError } from "../../builtin.ts";
import { RegoNumber } from "../../number.ts";
import { isArray, RegoObject, RegoSet, type Value } from "../../value.ts";
import type {
  Argument,
  ArgumentDefinition,
  ChildValue,
  CommentGroup,
  Definition,
  Directive,
  DirectiveDefinition,
  EnumValueDefinition,
  Field,
  FieldDefinition,
  FragmentDefinition,
  OperationDefinition,
  QueryDocument,
  SchemaDefinition,
  SchemaDocument,
  Type,
  ValueNode,
  VariableDefinition,
} from "./ast.ts";

/** Empty strings stay; empty lists, and what consists only of such, do not. */
export function toValue(document: QueryDocument | SchemaDocument): RegoObject {
  const value = prune(document);
  return value instanceof RegoObject ? value : new RegoObject();
}

function prune(node: unknown): Value | undefined {
  if (typeof node === "string" || typeof node === "boolean") return node;
  if (typeof node === "number") return RegoNumber.of(node);
  if (Array.isArray(node)) {
    const items = node.map(prune).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (typeof node !== "object" || node === null) return undefined;
  const members = Object.entries(node).flatMap(([key, member]): [string, Value][] => {
    const value = prune(member);
    return value === undefined ? [] : [[key, value]];
  });
  return members.length === 0 ? undefined : new RegoObject(members);
}

/** Members of an object by their names: left out and null are the same, another type is refused. */
class Members {
  readonly #object: RegoObject;

  constructor(value: Value) {
    if (!(value instanceof RegoObject)) throw new BuiltinError("a document has no object");
    this.#object = value;
  }

  text(name: string): string {
    const value = this.#object.get(name) ?? "";
    if (typeof value !== "string") throw new BuiltinError(`${name} must be a string`);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#object.get(name) ?? false;
    if (typeof value !== "boolean") throw new BuiltinError(`${name} must be a boolean`);
    return value;
  }

  number(name: string): number {
    const value = this.#object.get(name) ?? RegoNumber.of(0);
    const number = value instanceof RegoNumber ? value.toSafeInteger() : null;
    if (number === null) throw new BuiltinError(`${name} must be a number`);
    return number;
  }

  one<T>(name: string, read: (value: Value) => T): T | null {
    const value = this.#object.get(name) ?? null;
    return value === null ? null : read(value);
  }

  list<T>(name: string, read: (value: Value) => T): readonly T[] {
    const value = this.#object.get(name) ?? [];
    const items = value instanceof RegoSet ? value.sorted() : value;
    if (!isArray(items)) throw new BuiltinError(`${name} must be an array`);
    return items.map(read);
  }

  comment(name = "Comment"): CommentGroup | null {
    return this.one(name, (group) => ({
      List: new Members(group).list("List", (each) => ({ Value: new Members(each).text("Value") })),
    }));
  }
}

function readText(value: Value): string {
  if (typeof value !== "string") throw new BuiltinError("a name must be a string");
  return value;
}

export function toQuery(value: Value): QueryDocument {
  const members = new Members(value);
  return {
    Operations: members.list("Operations", readOperation),
    Fragments: members.list("Fragments", readFragment),
  };
}

function readOperation(value: Value): OperationDefinition {
  const members = new Members(value);
  return {
    Operation: members.text("Operation"),
    Name: members.text("Name"),
    VariableDefinitions: members.list("VariableDefinitions", readVariable),
    Directives: members.list("Directives", readDirective),
    SelectionSet: members.list("SelectionSet", readField),
    Comment: null,
  };
}

function readFragment(value: Value): FragmentDefinition {
  const members = new Members(value);
  return {
    Name: members.text("Name"),
    VariableDefinition: members.list("VariableDefinition", readVariable),
    TypeCondition: members.text("TypeCondition"),
    Directives: members.list("Directives", readDirective),
    SelectionSet: members.list("SelectionSet", readField),
    Comment: null,
  };
}

/** OPA takes all that is selected for fields, even what was a fragment. */
function readField(value: Value): Field {
  const members = new Members(value);
  return {
    Alias: members.text("Alias"),
    Name: members.text("Name"),
    Arguments: members.list("Arguments", readArgument),
    Directives: members.list("Directives", readDirective),
    SelectionSet: members.list("SelectionSet", readField),
    Comment: null,
  };
}

function readVariable(value: Value): VariableDefinition {
  const members = new Members(value);
  return {
    Variable: members.text("Variable"),
    Type: members.one("Type", readType),
    DefaultValue: members.one("DefaultValue", readValue),
    Directives: members.list("Directives", readDirective),
    Comment: members.comment(),
    Used: members.flag("Used"),
  };
}

function readType(value: Value): Type {
  const members = new Members(value);
  return {
    NamedType: members.text("NamedType"),
    Elem: members.one("Elem", readType),
    NonNull: members.flag("NonNull"),
  };
}

function readValue(value: Value): ValueNode {
  const members = new Members(value);
  return {
    Raw: members.text("Raw"),
    Children: members.list("Children", readArgument),
    Kind: members.number("Kind"),
    Comment: members.comment(),
    ExpectedTypeHasDefault: members.flag("ExpectedTypeHasDefault"),
  };
}

function readArgument(value: Value): Argument & ChildValue {
  const members = new Members(value);
  return {
    Name: members.text("Name"),
    Value: members.one("Value", readValue),
    Comment: members.comment(),
  };
}

function readDirective(value: Value): Directive {
  const members = new Members(value);
  return {
    Name: members.text("Name"),
    Arguments: members.list("Arguments", readArgument),
    Location: members.text("Location"),
  };
}

export function toSchema(value: Value): SchemaDocument {
  const members = new Members(value);
  return {
    Schema: members.list("Schema", readSchema),
    SchemaExtension: members.list("SchemaExtension", readSchema),
    Directives: members.list("Directives", readDirectiveDefinition),
    Definitions: members.list("Definitions", readDefinition),
    Extensions: members.list("Extensions", readDefinition),
    Comment: members.comment(),
  };
}

function describe(members: Members): Pick<Definition, keyof EnumValueDefinition> {
  return {
    Description: members.text("Description"),
    Name: members.text("Name"),
    Directives: members.list("Directives", readDirective),
    BeforeDescriptionComment: members.comment("BeforeDescriptionComment"),
    AfterDescriptionComment: members.comment("AfterDescriptionComment"),
  };
}

function readSchema(value: Value): SchemaDefinition {
  const members = new Members(value);
  const { Name: _, ...described } = describe(members);
  return {
    ...described,
    OperationTypes: members.list("OperationTypes", (type) => {
      const { text, comment } = bind(new Members(type));
      return { Operation: text("Operation"), Type: text("Type"), Comment: comment() };
    }),
    EndOfDefinitionComment: members.comment("EndOfDefinitionComment"),
  };
}

function bind(members: Members): Pick<Members, "text" | "comment"> {
  return { text: (name) => members.text(name), comment: () => members.comment() };
}

function readDefinition(value: Value): Definition {
  const members = new Members(value);
  return {
    ...describe(members),
    Kind: members.text("Kind"),
    Interfaces: members.list("Interfaces", readText),
    Fields: members.list("Fields", readFieldDefinition),
    Types: members.list("Types", readText),
    EnumValues: members.list("EnumValues", (each) => describe(new Members(each))),
    BuiltIn: members.flag("BuiltIn"),
    EndOfDefinitionComment: members.comment("EndOfDefinitionComment"),
  };
}

function readInput(value: Value): ArgumentDefinition {
  const members = new Members(value);
  return {
    ...describe(members),
    DefaultValue: members.one("DefaultValue", readValue),
    Type: members.one("Type", readType),
  };
}

function readFieldDefinition(value: Value): FieldDefinition {
  const members = new Members(value);
  return { ...readInput(value), Arguments: members.list("Arguments", readInput) };
}

function readDirectiveDefinition(value: Value): DirectiveDefinition {
  const members = new Members(value);
  const { Directives: _, ...described } = describe(members);
  return {
    ...described,
    Arguments: members.list("Arguments", readInput),
    Locations: members.list("Locations", readText),
    IsRepeatable: members.flag("IsRepeatable"),
  };
}
