/**
 * The rule that fields of one name in the answer can be merged: they have to be the same field with
 * the same arguments, and what is selected below them must be mergeable, too. Pure.
 */
import {
  type Definition,
  type Field,
  type FieldDefinition,
  isField,
  isInline,
  type QueryDocument,
  type Selection,
  type Type,
  valueKinds,
  type ValueNode,
} from "./ast.ts";
import type { Steps } from "./fragments.ts";
import { fail, find, type Schema } from "./schema.ts";

/** Where each field stands: the type around it, and what it is there. */
export type Contexts = Map<
  Field,
  { readonly parent: Definition | undefined; readonly definition: FieldDefinition | undefined }
>;

/** Fields by their names in the answer, and fragments that add more of them. */
interface Collected {
  readonly fields: ReadonlyMap<string, readonly Field[]>;
  readonly spreads: readonly string[];
}

export class Overlaps {
  readonly #schema: Schema;
  readonly #document: QueryDocument;
  readonly #contexts: Contexts;
  readonly #steps: Steps;
  readonly #collected = new Map<readonly Selection[], Collected>();
  readonly #pairs = new Set<string>();
  readonly #arguments = new Map<Field, string>();

  constructor(schema: Schema, document: QueryDocument, contexts: Contexts, steps: Steps) {
    this.#schema = schema;
    this.#document = document;
    this.#contexts = contexts;
    this.#steps = steps;
  }

  /** Throws when two fields conflict. */
  check(selections: readonly Selection[]): void {
    if (selections.length === 0) return;
    const { fields, spreads } = this.#collect(selections);
    for (const group of fields.values()) {
      for (const [index, field] of group.entries()) {
        for (const other of group.slice(index + 1)) this.#compare(field, other, false);
      }
    }
    const compared = new Set<string>();
    for (const [index, spread] of spreads.entries()) {
      this.#withFragment(fields, spread, false, compared);
      for (const other of spreads.slice(index + 1)) this.#fragments(spread, other, false);
    }
  }

  #collect(selections: readonly Selection[]): Collected {
    const known = this.#collected.get(selections);
    if (known !== undefined) return known;
    const fields = new Map<string, Field[]>();
    const spreads: string[] = [];
    const walk = (members: readonly Selection[]): void => {
      for (const member of members) {
        if (isField(member)) {
          const name = member.Alias === "" ? member.Name : member.Alias;
          const group = fields.get(name);
          if (group === undefined) fields.set(name, [member]);
          else group.push(member);
        } else if (isInline(member)) walk(member.SelectionSet);
        else spreads.push(member.Name);
      }
    };
    walk(selections);
    this.#collected.set(selections, { fields, spreads });
    return { fields, spreads };
  }

  #fragment(name: string): Collected | null {
    const fragment = find(this.#document.Fragments, name);
    return fragment === undefined ? null : this.#collect(fragment.SelectionSet);
  }

  #withFragment(
    fields: Collected["fields"],
    name: string,
    areExclusive: boolean,
    compared: Set<string>,
  ): void {
    if (compared.has(name)) return;
    compared.add(name);
    const fragment = this.#fragment(name);
    if (fragment === null || fragment.fields === fields) return;
    this.#between(fields, fragment.fields, areExclusive);
    for (const spread of fragment.spreads) {
      if (spread !== name) this.#withFragment(fields, spread, areExclusive, compared);
    }
  }

  #fragments(one: string, other: string, areExclusive: boolean): void {
    if (one === other) return;
    const pair = [one, other].toSorted().join(" ");
    // What could be merged in the same object can be merged in different ones as well.
    if (this.#pairs.has(pair) || (areExclusive && this.#pairs.has(`${pair} exclusive`))) return;
    this.#pairs.add(areExclusive ? `${pair} exclusive` : pair);
    this.#steps.take();
    const [a, b] = [this.#fragment(one), this.#fragment(other)];
    if (a === null || b === null) return;
    this.#between(a.fields, b.fields, areExclusive);
    for (const spread of b.spreads) this.#fragments(one, spread, areExclusive);
    for (const spread of a.spreads) this.#fragments(spread, other, areExclusive);
  }

  #between(one: Collected["fields"], other: Collected["fields"], areExclusive: boolean): void {
    for (const [name, group] of one) {
      this.#steps.take();
      for (const field of group) {
        for (const counterpart of other.get(name) ?? []) {
          this.#compare(field, counterpart, areExclusive);
        }
      }
    }
  }

  #compare(one: Field, other: Field, areParentsExclusive: boolean): void {
    this.#steps.take();
    const [a, b] = [this.#contexts.get(one), this.#contexts.get(other)];
    if (a?.parent === undefined || b?.parent === undefined) return;
    const areKnown = a.definition !== undefined && b.definition !== undefined;
    const areExclusive = areParentsExclusive || (areKnown && areDifferent(a.parent, b.parent));
    if (!areExclusive) this.#compareCalls(one, other);
    this.#compareTypes(a.definition, b.definition);
    this.#below(one.SelectionSet, other.SelectionSet, areExclusive);
  }

  #compareTypes(one: FieldDefinition | undefined, other: FieldDefinition | undefined): void {
    if (one === undefined || other === undefined) return;
    if (this.#conflict(one.Type, other.Type)) fail(`${one.Name} has different types`);
  }

  #compareCalls(one: Field, other: Field): void {
    if (one.Name !== other.Name) fail(`${one.Name} and ${other.Name} have one name`);
    if (this.#argumentsOf(one) !== this.#argumentsOf(other)) {
      fail(`the field ${one.Name} has different arguments`);
    }
  }

  #below(one: readonly Selection[], other: readonly Selection[], areExclusive: boolean): void {
    const [a, b] = [this.#collect(one), this.#collect(other)];
    this.#between(a.fields, b.fields, areExclusive);
    for (const spread of b.spreads) {
      this.#withFragment(a.fields, spread, areExclusive, new Set());
    }
    for (const spread of a.spreads) {
      this.#withFragment(b.fields, spread, areExclusive, new Set());
    }
    for (const spread of a.spreads) {
      for (const counterpart of b.spreads) this.#fragments(spread, counterpart, areExclusive);
    }
  }

  #argumentsOf(field: Field): string {
    const known = this.#arguments.get(field);
    if (known !== undefined) return known;
    const text = field.Arguments.map(({ Name, Value }) => `${Name}:${print(Value)}`)
      .toSorted()
      .join();
    this.#arguments.set(field, text);
    return text;
  }

  #conflict(one: Type | null, other: Type | null): boolean {
    if (one === null || other === null) return one !== other;
    if (one.Elem !== null && other.Elem !== null) return this.#conflict(one.Elem, other.Elem);
    if (one.Elem !== other.Elem || one.NonNull !== other.NonNull) return true;
    const areLeaves = [one, other].every(({ NamedType }) => {
      const kind = this.#schema.types.get(NamedType)?.Kind;
      return kind === "SCALAR" || kind === "ENUM";
    });
    return areLeaves && one.NamedType !== other.NamedType;
  }
}

/** Nothing is of both types. */
function areDifferent(one: Definition, other: Definition): boolean {
  return one.Kind === "OBJECT" && other.Kind === "OBJECT" && one.Name !== other.Name;
}

/** The same text for equal values: the order of the fields of objects does not count. */
function print(value: ValueNode | null): string {
  if (value === null) return "";
  const children = value.Children.map((child) => `${child.Name}:${print(child.Value)}`);
  const members = value.Kind === valueKinds.object ? children.toSorted() : children;
  return JSON.stringify([value.Kind, value.Raw, members]);
}
