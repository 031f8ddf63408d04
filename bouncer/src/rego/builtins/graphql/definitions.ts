/** Schemas of GraphQL as they are written; whether one holds together is another matter. Pure. */
import { BuiltinError } from "../../builtin.ts";
import type {
  ArgumentDefinition,
  CommentGroup,
  Definition,
  DirectiveDefinition,
  EnumValueDefinition,
  FieldDefinition,
  SchemaDefinition,
  SchemaDocument,
} from "./ast.ts";
import { Parser } from "./parser.ts";
import { operations } from "./query.ts";

export function parseSchema(text: string): SchemaDocument {
  return new SchemaParser(text).document();
}

const kinds: ReadonlyMap<string, string> = new Map([
  ["scalar", "SCALAR"],
  ["type", "OBJECT"],
  ["interface", "INTERFACE"],
  ["union", "UNION"],
  ["enum", "ENUM"],
  ["input", "INPUT_OBJECT"],
]);

const locations = new Set(
  (
    "QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT " +
    "VARIABLE_DEFINITION SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE " +
    "UNION ENUM ENUM_VALUE INPUT_OBJECT INPUT_FIELD_DEFINITION"
  ).split(" "),
);

interface Description {
  readonly Description: string;
  readonly BeforeDescriptionComment: CommentGroup | null;
  readonly AfterDescriptionComment: CommentGroup | null;
}

class SchemaParser extends Parser {
  document(): SchemaDocument {
    const Schema: SchemaDefinition[] = [];
    const SchemaExtension: SchemaDefinition[] = [];
    const Directives: DirectiveDefinition[] = [];
    const Definitions: Definition[] = [];
    const Extensions: Definition[] = [];
    while (this.peek().kind !== "end") {
      const before = this.#description();
      const { kind, value } = this.peek();
      if (kind !== "name") this.unexpected();
      if (kinds.has(value)) Definitions.push(this.#definition(this.#after(before)));
      else if (value === "schema") Schema.push(this.#schema(this.#after(before)));
      else if (value === "directive") Directives.push(this.#directive(this.#after(before)));
      else if (value !== "extend" || before.Description !== "") this.unexpected();
      else this.#extension(SchemaExtension, Extensions);
    }
    const { comment } = this;
    return { Schema, SchemaExtension, Directives, Definitions, Extensions, Comment: comment };
  }

  #description(): Description {
    const { kind, value } = this.peek();
    const isThere = kind === "string" || kind === "block";
    const before = isThere ? this.comment : null;
    if (isThere) this.next();
    return {
      Description: isThere ? value : "",
      BeforeDescriptionComment: before,
      AfterDescriptionComment: null,
    };
  }

  #after(description: Description): Description {
    this.peek();
    return { ...description, AfterDescriptionComment: this.comment };
  }

  /** Of members of a definition: an empty description is none, nor is the comment before it kept. */
  #memberDescription(): Description {
    const found = this.#description();
    const before = found.Description === "" ? null : found.BeforeDescriptionComment;
    return this.#after({ ...found, BeforeDescriptionComment: before });
  }

  #definition(description: Description, isExtension = false): Definition {
    const keyword = this.name();
    const Name = this.name();
    const hasInterfaces = keyword === "type" || (keyword === "interface" && !isExtension);
    let end: CommentGroup | null = null;
    const onEnd = (comment: CommentGroup | null): void => {
      end = comment;
    };
    const Interfaces = hasInterfaces ? this.#interfaces() : [];
    const Directives = this.directives(keyword !== "input" || !isExtension);
    const hasFields = keyword === "type" || keyword === "interface";
    const Fields = hasFields
      ? this.some("{", "}", () => this.#field(), onEnd)
      : keyword === "input"
        ? this.some("{", "}", () => ({ ...this.#input(), Arguments: [] }), onEnd)
        : [];
    return {
      ...description,
      Kind: kinds.get(keyword) ?? "",
      Name,
      Directives,
      Interfaces,
      Fields,
      Types: keyword === "union" ? this.#union() : [],
      EnumValues: keyword === "enum" ? this.some("{", "}", () => this.#enumValue(), onEnd) : [],
      BuiltIn: false,
      EndOfDefinitionComment: end,
    };
  }

  #extension(schemas: SchemaDefinition[], types: Definition[]): void {
    const comment = this.keyword("extend");
    const description = {
      Description: "",
      BeforeDescriptionComment: null,
      AfterDescriptionComment: comment,
    };
    const { value } = this.peek();
    if (value === "schema") {
      const schema = this.#schema(description);
      if (schema.Directives.length + schema.OperationTypes.length === 0) this.unexpected();
      schemas.push(schema);
      return;
    }
    if (!kinds.has(value)) this.unexpected();
    const type = this.#definition(description, true);
    const parts = [type.Interfaces, type.Directives, type.Fields, type.Types, type.EnumValues];
    if (parts.every((part) => part.length === 0)) this.unexpected();
    types.push(type);
  }

  #interfaces(): readonly string[] {
    if (this.peek().value !== "implements") return [];
    this.next();
    this.skip("&");
    const names = [this.name()];
    while (this.skip("&")) names.push(this.name());
    return names;
  }

  #union(): readonly string[] {
    if (!this.skip("=")) return [];
    this.skip("|");
    const names = [this.name()];
    while (this.skip("|")) names.push(this.name());
    return names;
  }

  #field(): FieldDefinition {
    const description = this.#memberDescription();
    const Name = this.name();
    const Arguments = this.#arguments();
    this.expect(":");
    return {
      ...description,
      Name,
      Arguments,
      DefaultValue: null,
      Type: this.type(),
      Directives: this.directives(true),
    };
  }

  #arguments(): readonly ArgumentDefinition[] {
    return this.some("(", ")", () => this.#input());
  }

  #input(): ArgumentDefinition {
    const description = this.#memberDescription();
    const Name = this.name();
    this.expect(":");
    return {
      ...description,
      Name,
      Type: this.type(),
      DefaultValue: this.skip("=") ? this.value(true) : null,
      Directives: this.directives(true),
    };
  }

  #enumValue(): EnumValueDefinition {
    const description = this.#memberDescription();
    return { ...description, Name: this.name(), Directives: this.directives(true) };
  }

  #schema(description: Description): SchemaDefinition {
    this.keyword("schema");
    let end: CommentGroup | null = null;
    const Directives = this.directives(true);
    const OperationTypes = this.some(
      "{",
      "}",
      () => this.#operationType(),
      (comment) => {
        end = comment;
      },
    );
    return { ...description, Directives, OperationTypes, EndOfDefinitionComment: end };
  }

  #operationType(): SchemaDefinition["OperationTypes"][number] {
    const { value } = this.peek();
    const { comment } = this;
    if (!operations.some((each) => each === value)) this.unexpected();
    this.next();
    this.expect(":");
    return { Operation: value, Type: this.name(), Comment: comment };
  }

  #directive(description: Description): DirectiveDefinition {
    this.keyword("directive");
    this.expect("@");
    const Name = this.name();
    const Arguments = this.#arguments();
    const { kind, value } = this.peek();
    const IsRepeatable = kind === "name" && value === "repeatable";
    if (IsRepeatable) this.next();
    this.keyword("on");
    this.skip("|");
    const Locations = [this.#location()];
    while (this.skip("|")) Locations.push(this.#location());
    return { ...description, Name, Arguments, Locations, IsRepeatable };
  }

  #location(): string {
    const name = this.name();
    if (!locations.has(name)) throw new BuiltinError(`${name} is no place for directives`);
    return name;
  }
}
