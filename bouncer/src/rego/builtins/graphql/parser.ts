/** What the parsers of queries and of schemas have in common. Pure. */
import { BuiltinError } from "../../builtin.ts";
import {
  type Argument,
  type ChildValue,
  type CommentGroup,
  type Directive,
  type Type,
  type ValueNode,
  valueKinds,
} from "./ast.ts";
import { Lexer, type Token, type TokenKind } from "./lexer.ts";

/** Characters of a document, and levels of brackets in it. */
const maxText = 500_000;
const maxDepth = 200;

export class Parser {
  readonly #lexer: Lexer;
  #ahead: Token | null = null;
  #depth = 0;
  /** What stands in front of the token that was looked at last. */
  comment: CommentGroup | null = null;

  constructor(text: string) {
    if (text.length > maxText) throw new BuiltinError("the GraphQL document is too long");
    this.#lexer = new Lexer(text);
  }

  peek(): Token {
    if (this.#ahead !== null) return this.#ahead;
    let token = this.#lexer.read();
    const comments: { readonly Value: string }[] = [];
    for (; token.kind === "comment"; token = this.#lexer.read()) {
      comments.push({ Value: token.value });
    }
    this.comment = comments.length === 0 ? this.comment : { List: comments };
    this.#ahead = token;
    return token;
  }

  next(): Token {
    const token = this.peek();
    this.#ahead = null;
    this.comment = null;
    return token;
  }

  unexpected(): never {
    const { kind, value } = this.peek();
    throw new BuiltinError(`unexpected ${kind} ${JSON.stringify(value)} in GraphQL`);
  }

  isAt(punctuator: string): boolean {
    const token = this.peek();
    return token.kind === "punctuator" && token.value === punctuator;
  }

  skip(punctuator: string): boolean {
    const found = this.isAt(punctuator);
    if (found) this.next();
    return found;
  }

  /** Gives the comment in front of it. */
  expect(punctuator: string): CommentGroup | null {
    if (!this.isAt(punctuator)) this.unexpected();
    const { comment } = this;
    this.next();
    return comment;
  }

  keyword(word: string): CommentGroup | null {
    const { kind, value } = this.peek();
    if (kind !== "name" || value !== word) this.unexpected();
    const { comment } = this;
    this.next();
    return comment;
  }

  name(): string {
    if (this.peek().kind !== "name") this.unexpected();
    return this.next().value;
  }

  /** Nothing, or brackets with at least one member; `onEnd` gets the comment in front of the end. */
  some<T>(
    open: string,
    close: string,
    read: () => T,
    onEnd?: (comment: CommentGroup | null) => void,
  ): readonly T[] {
    if (!this.isAt(open)) return [];
    const members = this.#members(open, close, read, onEnd);
    if (members.length === 0) throw new BuiltinError("brackets have nothing in them in GraphQL");
    return members;
  }

  #members<T>(
    open: string,
    close: string,
    read: () => T,
    onEnd?: (comment: CommentGroup | null) => void,
  ): readonly T[] {
    this.expect(open);
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new BuiltinError("the GraphQL document is too deep");
    const members: T[] = [];
    while (!this.isAt(close)) members.push(read());
    this.#depth -= 1;
    onEnd?.(this.comment);
    this.next();
    return members;
  }

  type(): Type {
    let NamedType = "";
    let Elem: Type | null = null;
    if (this.isAt("[")) {
      const [inner = null, other] = this.#members("[", "]", () => this.type());
      if (inner === null || other !== undefined) throw new BuiltinError("a list has one type");
      Elem = inner;
    } else NamedType = this.name();
    return { NamedType, Elem, NonNull: this.skip("!") };
  }

  directives(isConstant: boolean): readonly Directive[] {
    const directives: Directive[] = [];
    while (this.skip("@")) {
      const Name = this.name();
      directives.push({ Name, Arguments: this.arguments(isConstant), Location: "" });
    }
    return directives;
  }

  arguments(isConstant: boolean): readonly Argument[] {
    return this.some("(", ")", () => this.#member(isConstant));
  }

  #member(isConstant: boolean): Argument & ChildValue {
    this.peek();
    const { comment } = this;
    const Name = this.name();
    this.expect(":");
    return { Name, Value: this.value(isConstant), Comment: comment };
  }

  value(isConstant: boolean): ValueNode {
    const token = this.peek();
    const { comment } = this;
    if (token.kind === "punctuator") return this.#compound(token.value, isConstant, comment);
    const kind = kindOf(token) ?? this.unexpected();
    this.next();
    // As in OPA's parser, a comment in front of a scalar or a variable is gone with the token.
    return node(valueKinds[kind], token.value);
  }

  #compound(sign: string, isConstant: boolean, comment: CommentGroup | null): ValueNode {
    if (sign === "[") {
      const children = this.#members("[", "]", () => {
        return { Name: "", Value: this.value(isConstant), Comment: null };
      });
      return node(valueKinds.list, "", children, comment);
    }
    if (sign === "{") {
      const children = this.#members("{", "}", () => this.#member(isConstant));
      return node(valueKinds.object, "", children, comment);
    }
    if (sign !== "$" || isConstant) this.unexpected();
    return node(valueKinds.variable, this.variable());
  }

  variable(): string {
    this.expect("$");
    return this.name();
  }
}

function node(
  Kind: number,
  Raw: string,
  Children: readonly ChildValue[] = [],
  comment: CommentGroup | null = null,
): ValueNode {
  return { Raw, Children, Kind, Comment: comment, ExpectedTypeHasDefault: false };
}

const kinds: Partial<Record<TokenKind, keyof typeof valueKinds>> = {
  int: "int",
  float: "float",
  string: "string",
  block: "block",
};

function kindOf(token: Token): keyof typeof valueKinds | undefined {
  if (token.kind !== "name") return kinds[token.kind];
  if (token.value === "null") return "null";
  return token.value === "true" || token.value === "false" ? "boolean" : "enum";
}
