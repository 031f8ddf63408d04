/** Whether a query fits a schema of GraphQL, by the rules of OPA's parser. Pure. */
import type { Query } from "../../builtin.ts";
import {
  type Argument,
  type ArgumentDefinition,
  type Definition,
  type Directive,
  type Field,
  type FieldDefinition,
  type FragmentDefinition,
  type FragmentSpread,
  type InlineFragment,
  isField,
  isInline,
  type OperationDefinition,
  type QueryDocument,
  type Selection,
  valueKinds,
  type ValueNode,
  type VariableDefinition,
} from "./ast.ts";
import { checkCycles, checkIntrospection, checkSubscription, Steps } from "./fragments.ts";
import { type Contexts, Overlaps } from "./overlaps.ts";
import { fail, find, type Operation, type Schema, typenameField, typeName } from "./schema.ts";
import { isCompatible, isInput } from "./soundness.ts";
import { checkValue, expect, type Expected } from "./value-rules.ts";

export function validate(schema: Schema, document: QueryDocument, query: Query): void {
  new Validation(schema, document, new Steps(query)).run();
}

const roots: Readonly<Record<string, readonly [Operation, location: string]>> = {
  "": ["query", "QUERY"],
  query: ["query", "QUERY"],
  mutation: ["mutation", "MUTATION"],
  subscription: ["subscription", "SUBSCRIPTION"],
};

class Validation {
  readonly #schema: Schema;
  readonly #document: QueryDocument;
  readonly #steps: Steps;
  readonly #contexts: Contexts = new Map();
  readonly #overlaps: Overlaps;
  readonly #spread = new Set<string>();
  /** null inside of fragments on their own. */
  #operation: OperationDefinition | null = null;
  #used = new Set<VariableDefinition>();
  #entered = new Set<string>();

  constructor(schema: Schema, document: QueryDocument, steps: Steps) {
    this.#schema = schema;
    this.#document = document;
    this.#steps = steps;
    this.#overlaps = new Overlaps(schema, document, this.#contexts, steps);
  }

  run(): void {
    const { Operations, Fragments } = this.#document;
    checkCycles(this.#document);
    unique(Operations, "operations");
    unique(Fragments, "fragments");
    if (Operations.length > 1 && find(Operations, "") !== undefined) {
      fail("an operation without a name is not alone");
    }
    for (const operation of Operations) this.#checkOperation(operation);
    for (const fragment of Fragments) this.#checkFragment(fragment);
  }

  #checkOperation(operation: OperationDefinition): void {
    const [name, location] = roots[operation.Operation] ?? fail("the operation is not known");
    const root = this.#type(this.#schema.roots.get(name) ?? fail(`there is no ${name}`));
    this.#operation = operation;
    this.#used = new Set();
    this.#entered = new Set();
    const variables = operation.VariableDefinitions;
    unique(
      variables.map(({ Variable }) => ({ Name: Variable })),
      "variables",
    );
    for (const variable of variables) this.#checkVariable(variable);
    this.#checkDirectives(operation.Directives, location);
    this.#checkSelections(operation.SelectionSet, root);
    const unused = variables.find((each) => !each.Used && !this.#used.has(each));
    if (unused !== undefined) fail(`the variable ${unused.Variable} is not used`);
    if (name === "subscription") checkSubscription(operation, this.#document);
    this.#overlaps.check(operation.SelectionSet);
    this.#operation = null;
  }

  #type(name: string): Definition | undefined {
    return this.#schema.types.get(name);
  }

  #checkVariable(variable: VariableDefinition): void {
    const definition = this.#type(typeName(variable.Type));
    if (definition === undefined || !isInput(definition)) {
      fail(`the variable ${variable.Variable} cannot have that type`);
    }
    if (variable.DefaultValue !== null) {
      this.#checkValue(variable.DefaultValue, {
        ...(expect(this.#schema, variable) ?? fail("a type is missing")),
        hasDefault: false,
      });
    }
    this.#checkDirectives(variable.Directives, "VARIABLE_DEFINITION");
  }

  #checkFragment(fragment: FragmentDefinition): void {
    const { Name, TypeCondition, Directives, SelectionSet } = fragment;
    if (!this.#spread.has(Name)) fail(`the fragment ${Name} is not used`);
    const type = this.#type(TypeCondition);
    if (type === undefined || !isComposite(type)) fail(`no fragment can be on ${TypeCondition}`);
    this.#entered = new Set();
    this.#checkDirectives(Directives, "FRAGMENT_DEFINITION");
    this.#checkSelections(SelectionSet, type);
    this.#overlaps.check(SelectionSet);
  }

  #checkSelections(selections: readonly Selection[], parent: Definition | undefined): void {
    for (const selection of selections) {
      this.#steps.take();
      if (isField(selection)) this.#checkField(selection, parent);
      else if (isInline(selection)) this.#checkInline(selection, parent);
      else this.#checkSpread(selection, parent);
    }
  }

  #checkField(field: Field, parent: Definition | undefined): void {
    const definition =
      field.Name === "__typename" ? typenameField : find(parent?.Fields ?? [], field.Name);
    if (definition === undefined && parent !== undefined) {
      fail(`${parent.Name} has no field ${field.Name}`);
    }
    this.#contexts.set(field, { parent, definition });
    if (definition !== undefined && parent !== undefined) {
      this.#checkKnown(field.Arguments, definition.Arguments);
    }
    this.#checkArguments(field.Arguments, definition?.Arguments);
    this.#checkDirectives(field.Directives, "FIELD");
    const type = definition === undefined ? undefined : this.#type(typeName(definition.Type));
    this.#checkSelections(field.SelectionSet, type);
    if (type !== undefined) checkLeaf(field, type);
    checkIntrospection(field, this.#document, this.#steps);
    if (this.#operation !== null) this.#overlaps.check(field.SelectionSet);
  }

  #checkInline(fragment: InlineFragment, parent: Definition | undefined): void {
    const { TypeCondition, Directives, SelectionSet } = fragment;
    const type = TypeCondition === "" ? parent : this.#type(TypeCondition);
    if (TypeCondition !== "") {
      if (type === undefined || !isComposite(type)) fail(`no fragment can be on ${TypeCondition}`);
      this.#checkPossible(parent, TypeCondition);
    }
    this.#checkDirectives(Directives, "INLINE_FRAGMENT");
    this.#checkSelections(SelectionSet, type);
    this.#overlaps.check(SelectionSet);
  }

  #checkSpread(spread: FragmentSpread, parent: Definition | undefined): void {
    const fragment = find(this.#document.Fragments, spread.Name);
    if (fragment === undefined) return fail(`there is no fragment ${spread.Name}`);
    if (this.#operation !== null) this.#spread.add(spread.Name);
    this.#checkDirectives(spread.Directives, "FRAGMENT_SPREAD");
    if (!this.#entered.has(fragment.Name)) {
      this.#entered.add(fragment.Name);
      this.#checkDirectives(fragment.Directives, "FRAGMENT_DEFINITION");
      this.#checkSelections(fragment.SelectionSet, this.#type(fragment.TypeCondition));
    }
    this.#checkPossible(parent, fragment.TypeCondition);
  }

  /** Something can be of both types. */
  #checkPossible(parent: Definition | undefined, name: string): void {
    const type = this.#type(name);
    if (parent === undefined || type === undefined) return;
    if (!isComposite(parent) || !isComposite(type)) return;
    const members = this.#schema.possible.get(name) ?? new Set();
    const parents =
      parent.Kind === "OBJECT" ? [parent.Name] : (this.#schema.possible.get(parent.Name) ?? []);
    if (![...parents].some((each) => members.has(each))) {
      fail(`nothing can be both ${parent.Name} and ${name}`);
    }
  }

  #checkDirectives(directives: readonly Directive[], location: string): void {
    const seen = new Set<string>();
    for (const { Name, Arguments } of directives) {
      this.#steps.take();
      const definition = this.#schema.directives.get(Name);
      if (definition === undefined) return fail(`there is no directive ${Name}`);
      if (!definition.Locations.includes(location)) fail(`${Name} cannot be on ${location}`);
      if (seen.has(Name) && !definition.IsRepeatable) fail(`the directive ${Name} is there twice`);
      seen.add(Name);
      this.#checkKnown(Arguments, definition.Arguments);
      this.#checkArguments(Arguments, definition.Arguments);
    }
  }

  #checkKnown(given: readonly Argument[], known: readonly ArgumentDefinition[]): void {
    const unknown = given.find(({ Name }) => find(known, Name) === undefined);
    if (unknown !== undefined) fail(`there is no argument ${unknown.Name}`);
  }

  #checkArguments(
    given: readonly Argument[],
    known: FieldDefinition["Arguments"] | undefined,
  ): void {
    unique(given, "arguments");
    for (const { Name, Value } of given) {
      this.#checkValue(Value, expect(this.#schema, find(known ?? [], Name)));
    }
    for (const { Name, Type, DefaultValue } of known ?? []) {
      const isRequired = Type?.NonNull === true && DefaultValue === null;
      if (isRequired && find(given, Name) === undefined) fail(`the argument ${Name} is missing`);
    }
  }

  #checkValue(value: ValueNode | null, expected: Expected | null): void {
    this.#steps.take();
    if (value === null) return fail("a value is missing");
    if (value.Kind === valueKinds.variable) this.#checkUse(value.Raw, expected);
    if (value.Kind === valueKinds.object) this.#checkObject(value, expected?.definition);
    if (value.Kind === valueKinds.list) this.#checkList(value, expected);
    checkValue(value, expected);
  }

  #checkObject({ Children }: ValueNode, definition: Definition | undefined): void {
    unique(Children, "fields");
    for (const { Name, Value } of Children) {
      this.#checkValue(Value, expect(this.#schema, find(definition?.Fields ?? [], Name)));
      if (definition !== undefined) this.#checkOneOf(definition, Value);
    }
  }

  #checkList({ Children }: ValueNode, expected: Expected | null): void {
    const type = expected?.type.Elem ?? null;
    const member =
      type === null ? null : { type, definition: expected?.definition, hasDefault: false };
    for (const { Value } of Children) this.#checkValue(Value, member);
  }

  #variable(name: string): VariableDefinition | undefined {
    return this.#operation?.VariableDefinitions.find(({ Variable }) => Variable === name);
  }

  #checkUse(name: string, expected: Expected | null): void {
    if (this.#operation === null) return;
    const variable = this.#variable(name) ?? fail(`the variable ${name} is not defined`);
    this.#used.add(variable);
    if (expected === null) return;
    const fallback = variable.DefaultValue;
    const isOptional =
      expected.hasDefault || (fallback !== null && fallback.Kind !== valueKinds.null);
    const type = isOptional ? { ...expected.type, NonNull: false } : expected.type;
    if (!isCompatible(variable.Type, type)) fail(`the variable ${name} has another type`);
  }

  #checkOneOf(definition: Definition, value: ValueNode | null): void {
    if (value?.Kind !== valueKinds.variable) return;
    if (find(definition.Directives, "oneOf") === undefined) return;
    if (this.#variable(value.Raw)?.Type?.NonNull === false) {
      fail(`the variable ${value.Raw} can be null`);
    }
  }
}

function unique(members: readonly { readonly Name: string }[], what: string): void {
  if (new Set(members.map(({ Name }) => Name)).size < members.length) {
    fail(`two of the ${what} have one name`);
  }
}

function isComposite({ Kind }: Definition): boolean {
  return Kind === "OBJECT" || Kind === "INTERFACE" || Kind === "UNION";
}

function checkLeaf({ Name, SelectionSet }: Field, { Kind }: Definition): void {
  const isLeaf = Kind === "ENUM" || Kind === "SCALAR";
  if (isLeaf !== (SelectionSet.length === 0)) fail(`the field ${Name} has no such selection`);
}
