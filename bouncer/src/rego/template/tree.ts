/** What a template is made of. */
import type { Argument } from "../text/argument.ts";

export type Operand =
  | { readonly kind: "dot" }
  | { readonly kind: "nil" }
  | { readonly kind: "constant"; readonly value: Argument }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline }
  /** Fields of what `of` is: `.a.b` are fields of the dot. */
  | { readonly kind: "fields"; readonly of: Operand; readonly names: readonly string[] };

/** The first is called with the others, if it is a function. */
export type Command = readonly [Operand, ...Operand[]];

export interface Pipeline {
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly isAssignment: boolean;
  readonly commands: readonly Command[];
}

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipeline: Pipeline }
  | { readonly kind: "break" }
  | { readonly kind: "continue" }
  | { readonly kind: "template"; readonly name: string; readonly pipeline: Pipeline | null }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** By name; the one that is rendered is `main`. */
export interface Template {
  readonly main: readonly Node[];
  readonly definitions: ReadonlyMap<string, readonly Node[]>;
}
