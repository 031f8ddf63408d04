/** Queries of GraphQL. Pure. */
import type {
  Field,
  FragmentDefinition,
  OperationDefinition,
  QueryDocument,
  Selection,
  VariableDefinition,
} from "./ast.ts";
import { Parser } from "./parser.ts";

export function parseQuery(text: string): QueryDocument {
  const parser = new QueryParser(text);
  const Operations: OperationDefinition[] = [];
  const Fragments: FragmentDefinition[] = [];
  for (;;) {
    const { kind, value } = parser.peek();
    if (kind === "end") return { Operations, Fragments };
    if (kind === "name" && value === "fragment") Fragments.push(parser.fragment());
    else Operations.push(parser.operation());
  }
}

export const operations = ["query", "mutation", "subscription"] as const;

class QueryParser extends Parser {
  operation(): OperationDefinition {
    const { kind, value } = this.peek();
    const { comment } = this;
    if (this.isAt("{")) {
      // OPA's parser looks for the comment when it is too late.
      return {
        Operation: "query",
        Name: "",
        VariableDefinitions: [],
        Directives: [],
        SelectionSet: this.#selections(),
        Comment: null,
      };
    }
    if (kind !== "name" || !operations.some((each) => each === value)) this.unexpected();
    this.next();
    return {
      Operation: value,
      Name: this.peek().kind === "name" ? this.next().value : "",
      VariableDefinitions: this.#variables(),
      Directives: this.directives(false),
      SelectionSet: this.#selections(),
      Comment: comment,
    };
  }

  fragment(): FragmentDefinition {
    this.peek();
    const { comment } = this;
    this.keyword("fragment");
    const Name = this.#fragmentName();
    const VariableDefinition = this.#variables();
    this.keyword("on");
    return {
      Name,
      VariableDefinition,
      TypeCondition: this.name(),
      Directives: this.directives(false),
      SelectionSet: this.#selections(),
      Comment: comment,
    };
  }

  #fragmentName(): string {
    return this.peek().value === "on" ? this.unexpected() : this.name();
  }

  #variables(): readonly VariableDefinition[] {
    return this.some("(", ")", () => {
      this.peek();
      const { comment } = this;
      const Variable = this.variable();
      this.expect(":");
      return {
        Variable,
        Type: this.type(),
        DefaultValue: this.skip("=") ? this.value(true) : null,
        Directives: this.directives(false),
        Comment: comment,
        Used: false,
      };
    });
  }

  #selections(): readonly Selection[] {
    if (!this.isAt("{")) this.unexpected();
    return this.some("{", "}", () => (this.isAt("...") ? this.#spread() : this.#field()));
  }

  #field(): Field {
    this.peek();
    const { comment } = this;
    const Alias = this.name();
    return {
      Alias,
      Name: this.skip(":") ? this.name() : Alias,
      Arguments: this.arguments(false),
      Directives: this.directives(false),
      SelectionSet: this.isAt("{") ? this.#selections() : [],
      Comment: comment,
    };
  }

  #spread(): Selection {
    const comment = this.expect("...");
    const { kind, value } = this.peek();
    if (kind === "name" && value !== "on") {
      return { Name: this.name(), Directives: this.directives(false), Comment: comment };
    }
    let TypeCondition = "";
    if (value === "on") {
      this.next();
      TypeCondition = this.name();
    }
    return {
      TypeCondition,
      Directives: this.directives(false),
      SelectionSet: this.#selections(),
      Comment: comment,
    };
  }
}
