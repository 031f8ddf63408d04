/** Rules that follow fragments through a query of GraphQL, and the bound of such work. Pure. */
import { BuiltinError, type Query } from "../../builtin.ts";
import {
  type Field,
  isField,
  isInline,
  type OperationDefinition,
  type QueryDocument,
  type Selection,
} from "./ast.ts";
import { fail, find } from "./schema.ts";

/** Short queries can need very much work: fields are compared in pairs, fragments walked anew. */
const maxSteps = 300_000;

export class Steps {
  readonly #query: Query;
  #taken = 0;

  constructor(query: Query) {
    this.#query = query;
  }

  take(): void {
    this.#taken += 1;
    if (this.#taken > maxSteps) throw new BuiltinError("the query takes too long to validate");
    if (this.#taken % 1000 === 0) this.#query.checkTime();
  }
}

function spreadsIn(selections: readonly Selection[]): readonly string[] {
  return selections.flatMap((selection) => {
    if (isField(selection) || isInline(selection)) return spreadsIn(selection.SelectionSet);
    return [selection.Name];
  });
}

/** No fragment may contain itself, in however many steps. */
export function checkCycles({ Fragments }: QueryDocument): void {
  const done = new Set<string>();
  const path = new Set<string>();
  const walk = (name: string): void => {
    if (path.has(name)) fail(`the fragment ${name} contains itself`);
    if (done.has(name)) return;
    done.add(name);
    path.add(name);
    if (path.size > 1000) throw new BuiltinError("fragments are nested too deep");
    for (const spread of spreadsIn(find(Fragments, name)?.SelectionSet ?? [])) walk(spread);
    path.delete(name);
  };
  for (const { Name } of Fragments) walk(Name);
}

/** A subscription asks for one field, which is not about the schema. */
export function checkSubscription(operation: OperationDefinition, document: QueryDocument): void {
  const names = new Set<string>();
  const entered = new Set<string>();
  const walk = (selections: readonly Selection[]): void => {
    for (const selection of selections) {
      if (isField(selection)) names.add(selection.Name);
      else if (isInline(selection)) walk(selection.SelectionSet);
      else if (!entered.has(selection.Name)) {
        entered.add(selection.Name);
        walk(find(document.Fragments, selection.Name)?.SelectionSet ?? []);
      }
    }
  };
  walk(operation.SelectionSet);
  if (names.size > 1 || [...names].some((name) => name.startsWith("__"))) {
    fail("a subscription asks for more than one field");
  }
}

const nesting = ["fields", "interfaces", "possibleTypes", "inputFields"];
const maxNesting = 3;

/** Lists of types in lists of types: their number grows with each level. */
export function checkIntrospection(field: Field, document: QueryDocument, steps: Steps): void {
  if (field.Name !== "__schema" && field.Name !== "__type") return;
  const walk = (selections: readonly Selection[], depth: number): void => {
    for (const selection of selections) {
      steps.take();
      if (!isField(selection) && !isInline(selection)) {
        walk(find(document.Fragments, selection.Name)?.SelectionSet ?? [], depth);
        continue;
      }
      const isNesting = isField(selection) && nesting.includes(selection.Name);
      if (isNesting && depth + 1 >= maxNesting) fail("introspection goes too deep");
      walk(selection.SelectionSet, isNesting ? depth + 1 : depth);
    }
  };
  walk([field], 0);
}
