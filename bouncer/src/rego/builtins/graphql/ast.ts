/** Documents of GraphQL, with the names that policies see in them: those of OPA's parser. Pure. */

export interface CommentGroup {
  readonly List: readonly { readonly Value: string }[];
}

type Comment = CommentGroup | null;

export interface Type {
  readonly NamedType: string;
  readonly Elem: Type | null;
  readonly NonNull: boolean;
}

/** By their places, which are the numbers in the documents. */
export const valueKinds = {
  variable: 0,
  int: 1,
  float: 2,
  string: 3,
  block: 4,
  boolean: 5,
  null: 6,
  enum: 7,
  list: 8,
  object: 9,
} as const;

export interface ChildValue {
  readonly Name: string;
  readonly Value: ValueNode | null;
  readonly Comment: Comment;
}

export interface ValueNode {
  readonly Raw: string;
  readonly Children: readonly ChildValue[];
  readonly Kind: number;
  readonly Comment: Comment;
  readonly ExpectedTypeHasDefault: boolean;
}

export interface Argument {
  readonly Name: string;
  readonly Value: ValueNode | null;
  readonly Comment: Comment;
}

export interface Directive {
  readonly Name: string;
  readonly Arguments: readonly Argument[];
  readonly Location: string;
}

export interface Field {
  readonly Alias: string;
  readonly Name: string;
  readonly Arguments: readonly Argument[];
  readonly Directives: readonly Directive[];
  readonly SelectionSet: readonly Selection[];
  readonly Comment: Comment;
}

export interface FragmentSpread {
  readonly Name: string;
  readonly Directives: readonly Directive[];
  readonly Comment: Comment;
}

export interface InlineFragment {
  readonly TypeCondition: string;
  readonly Directives: readonly Directive[];
  readonly SelectionSet: readonly Selection[];
  readonly Comment: Comment;
}

export type Selection = Field | FragmentSpread | InlineFragment;

export function isField(selection: Selection): selection is Field {
  return "Alias" in selection;
}

export function isInline(selection: Selection): selection is InlineFragment {
  return "TypeCondition" in selection;
}

export interface VariableDefinition {
  readonly Variable: string;
  readonly Type: Type | null;
  readonly DefaultValue: ValueNode | null;
  readonly Directives: readonly Directive[];
  readonly Comment: Comment;
  readonly Used: boolean;
}

export interface OperationDefinition {
  readonly Operation: string;
  readonly Name: string;
  readonly VariableDefinitions: readonly VariableDefinition[];
  readonly Directives: readonly Directive[];
  readonly SelectionSet: readonly Selection[];
  readonly Comment: Comment;
}

export interface FragmentDefinition {
  readonly Name: string;
  readonly VariableDefinition: readonly VariableDefinition[];
  readonly TypeCondition: string;
  readonly Directives: readonly Directive[];
  readonly SelectionSet: readonly Selection[];
  readonly Comment: Comment;
}

export interface QueryDocument {
  readonly Operations: readonly OperationDefinition[];
  readonly Fragments: readonly FragmentDefinition[];
}

interface Described {
  readonly Description: string;
  readonly BeforeDescriptionComment: Comment;
  readonly AfterDescriptionComment: Comment;
}

export interface ArgumentDefinition extends Described {
  readonly Name: string;
  readonly DefaultValue: ValueNode | null;
  readonly Type: Type | null;
  readonly Directives: readonly Directive[];
}

export interface FieldDefinition extends ArgumentDefinition {
  readonly Arguments: readonly ArgumentDefinition[];
}

export interface EnumValueDefinition extends Described {
  readonly Name: string;
  readonly Directives: readonly Directive[];
}

export interface Definition extends Described {
  readonly Kind: string;
  readonly Name: string;
  readonly Directives: readonly Directive[];
  readonly Interfaces: readonly string[];
  readonly Fields: readonly FieldDefinition[];
  readonly Types: readonly string[];
  readonly EnumValues: readonly EnumValueDefinition[];
  readonly BuiltIn: boolean;
  readonly EndOfDefinitionComment: Comment;
}

export interface DirectiveDefinition extends Described {
  readonly Name: string;
  readonly Arguments: readonly ArgumentDefinition[];
  readonly Locations: readonly string[];
  readonly IsRepeatable: boolean;
}

export interface OperationType {
  readonly Operation: string;
  readonly Type: string;
  readonly Comment: Comment;
}

export interface SchemaDefinition extends Described {
  readonly Directives: readonly Directive[];
  readonly OperationTypes: readonly OperationType[];
  readonly EndOfDefinitionComment: Comment;
}

export interface SchemaDocument {
  readonly Schema: readonly SchemaDefinition[];
  readonly SchemaExtension: readonly SchemaDefinition[];
  readonly Directives: readonly DirectiveDefinition[];
  readonly Definitions: readonly Definition[];
  readonly Extensions: readonly Definition[];
  readonly Comment: Comment;
}

export function named<T extends { readonly Name: string }>(
  list: readonly T[],
  name: string,
): T | undefined {
  return list.find((member) => member.Name === name);
}
