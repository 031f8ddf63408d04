/** Tokens of a template become its tree. What Go would refuse is refused here. Pure. */
import { BuiltinError } from "../builtin.ts";
import { parseCharacter, parseNumber } from "./constant.ts";
import { functionNames } from "./function.ts";
import { type Token, tokenize, type TokenKind } from "./tokens.ts";
import type { Command, Node, Operand, Pipeline, Template } from "./tree.ts";
import { unquote } from "./unquote.ts";

/** Of parentheses and blocks; far beyond any real template, far below any stack. */
const maxDepth = 200;

const operandKinds: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "bool",
  "character",
  "dot",
  "field",
  "identifier",
  "number",
  "nil",
  "string",
  "variable",
  "open",
]);

interface List {
  readonly nodes: readonly Node[];
  readonly end: "end" | "else" | "text";
}

export function parseTemplate(text: string): Template {
  return new Parser(tokenize(text)).run();
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #definitions = new Map<string, readonly Node[]>();
  #at = 0;
  #depth = 0;
  #variables: string[] = ["$"];
  #rangeDepth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  run(): Template {
    const { nodes, end } = this.#list(true);
    if (end !== "text") throw fail(`{{${end}}} without a block before it`);
    this.#define("template", nodes);
    const main = this.#definitions.get("template") ?? [];
    return { main, definitions: this.#definitions };
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "" };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #peekWord(): Token {
    while (this.#peek().kind === "space") this.#at += 1;
    return this.#peek();
  }

  #nextWord(): Token {
    this.#peekWord();
    return this.#next();
  }

  #expect(kind: TokenKind): Token {
    const token = this.#nextWord();
    if (token.kind !== kind) throw fail(`expected ${kind}, found ${token.kind} ${token.text}`);
    return token;
  }

  #nested<T>(parse: () => T): T {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw fail("the template is nested too deeply");
    const parsed = parse();
    this.#depth -= 1;
    return parsed;
  }

  #takesKeyword(word: string): boolean {
    const token = this.#peekWord();
    if (token.kind !== "keyword" || token.text !== word) return false;
    this.#at += 1;
    return true;
  }

  /** Up to the {{end}} or {{else}} of a block, or the end of the text. */
  #list(isMain: boolean): List {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#nextWord();
      if (token.kind === "end") {
        if (!isMain) throw fail("a block has no {{end}}");
        return { nodes, end: "text" };
      }
      if (token.kind === "text") {
        nodes.push({ kind: "text", text: token.text });
      } else if (token.kind !== "left") {
        throw fail(`unexpected ${token.text}`);
      } else if (this.#takesKeyword("end")) {
        this.#expect("right");
        return { nodes, end: "end" };
      } else if (this.#takesKeyword("else")) {
        const after = this.#peekWord().text;
        if (after !== "if" && after !== "with") this.#expect("right");
        return { nodes, end: "else" };
      } else if (isMain && this.#takesKeyword("define")) {
        this.#definition();
      } else {
        nodes.push(this.#nested(() => this.#action()));
      }
    }
  }

  #definition(): void {
    const name = unquote(this.#expect("string").text);
    this.#expect("right");
    this.#define(name, this.#body());
  }

  /** A template of its own: it does not see the variables around it. */
  #body(): readonly Node[] {
    const [variables, rangeDepth] = [this.#variables, this.#rangeDepth];
    this.#variables = ["$"];
    this.#rangeDepth = 0;
    const { nodes, end } = this.#nested(() => this.#list(false));
    if (end !== "end") throw fail("a template has an {{else}}");
    this.#variables = variables;
    this.#rangeDepth = rangeDepth;
    return nodes;
  }

  /** Of several with one name, only one may have more than space in it. */
  #define(name: string, nodes: readonly Node[]): void {
    const known = this.#definitions.get(name);
    if (known === undefined || isEmpty(known)) this.#definitions.set(name, nodes);
    else if (!isEmpty(nodes)) throw fail(`there are two templates ${JSON.stringify(name)}`);
  }

  #action(): Node {
    for (const kind of ["if", "with", "range"] as const) {
      if (this.#takesKeyword(kind)) return this.#control(kind);
    }
    for (const kind of ["break", "continue"] as const) {
      if (this.#takesKeyword(kind)) {
        this.#expect("right");
        if (this.#rangeDepth === 0) throw fail(`{{${kind}}} is not in a {{range}}`);
        return { kind };
      }
    }
    if (this.#takesKeyword("block")) return this.#block();
    if (this.#takesKeyword("template")) return this.#call();
    return { kind: "action", pipeline: this.#pipeline("action", "right") };
  }

  #block(): Node {
    const name = unquote(this.#expect("string").text);
    const pipeline = this.#pipeline("block", "right");
    this.#define(name, this.#body());
    return { kind: "template", name, pipeline };
  }

  #call(): Node {
    const name = unquote(this.#expect("string").text);
    if (this.#peekWord().kind !== "right") {
      return { kind: "template", name, pipeline: this.#pipeline("template", "right") };
    }
    this.#at += 1;
    return { kind: "template", name, pipeline: null };
  }

  #control(kind: "if" | "with" | "range"): Node {
    const known = this.#variables.length;
    const pipeline = this.#pipeline(kind, "right");
    if (kind === "range") this.#rangeDepth += 1;
    const { nodes: body, end } = this.#list(false);
    if (kind === "range") this.#rangeDepth -= 1;
    const otherwise = end === "else" ? this.#otherwise(kind) : [];
    this.#variables.length = known;
    return { kind, pipeline, body, otherwise };
  }

  /** `{{else if ...}}` has its {{end}} in common with the {{if}}. */
  #otherwise(kind: "if" | "with" | "range"): readonly Node[] {
    if (kind !== "range" && this.#takesKeyword(kind)) {
      return [this.#nested(() => this.#control(kind))];
    }
    const { nodes, end } = this.#list(false);
    if (end !== "end") throw fail("there are two {{else}} in a block");
    return nodes;
  }

  #pipeline(context: string, end: "right" | "close"): Pipeline {
    const { variables, isAssignment } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const { kind, text } = this.#peekWord();
      if (kind === end) break;
      if (!operandKinds.has(kind)) throw fail(`unexpected ${text} in an action`);
      commands.push(this.#command());
    }
    this.#at += 1;
    if (commands.length === 0) throw fail("an action has no value");
    if (commands.slice(1).some(([first]) => !isExecutable(first))) {
      throw fail("a value cannot be called with what is before it");
    }
    return { variables, isAssignment, commands };
  }

  #declarations(context: string): Pick<Pipeline, "variables" | "isAssignment"> {
    const variables: string[] = [];
    for (;;) {
      const start = this.#at;
      const { kind, text } = this.#peekWord();
      if (kind !== "variable") break;
      this.#at += 1;
      const after = this.#peekWord();
      if (after.kind === "assign" || after.kind === "declare") {
        this.#at += 1;
        variables.push(text);
        this.#variables.push(...variables);
        return { variables, isAssignment: after.kind === "assign" };
      }
      if (after.kind !== "other" || after.text !== ",") {
        this.#at = start;
        break;
      }
      this.#at += 1;
      variables.push(text);
      if (context !== "range" || variables.length > 1)
        throw fail("too many variables are declared");
      if (this.#peekWord().kind !== "variable")
        throw fail("a {{range}} can declare variables only");
    }
    this.#variables.push(...variables);
    return { variables, isAssignment: false };
  }

  #command(): Command {
    const first = this.#operand();
    const rest: Operand[] = [];
    for (;;) {
      const { kind, text } = this.#next();
      if (kind === "pipe") return [first, ...rest];
      if (kind === "right" || kind === "close") {
        this.#at -= 1;
        return [first, ...rest];
      }
      if (kind !== "space") throw fail(`unexpected ${text} after a value`);
      if (operandKinds.has(this.#peekWord().kind)) rest.push(this.#operand());
    }
  }

  #operand(): Operand {
    const term = this.#term();
    const names: string[] = [];
    while (this.#peek().kind === "field") names.push(this.#next().text.slice(1));
    if (names.length === 0) return term;
    if (term.kind === "fields") return { ...term, names: [...term.names, ...names] };
    if (term.kind === "constant" || term.kind === "nil" || term.kind === "dot") {
      throw fail("a constant has no fields");
    }
    return { kind: "fields", of: term, names };
  }

  #term(): Operand {
    const { kind, text } = this.#nextWord();
    if (kind === "dot" || kind === "nil") return { kind };
    if (kind === "field") return { kind: "fields", of: { kind: "dot" }, names: [text.slice(1)] };
    if (kind === "open") {
      const pipeline = this.#nested(() => this.#pipeline("parentheses", "close"));
      return { kind: "pipeline", pipeline };
    }
    return kind === "variable" || kind === "identifier"
      ? this.#name(kind, text)
      : parseConstant(kind, text);
  }

  #name(kind: "variable" | "identifier", name: string): Operand {
    const isKnown = kind === "variable" ? this.#variables.includes(name) : functionNames.has(name);
    if (!isKnown) throw fail(`there is no ${kind} ${name}`);
    return { kind: kind === "variable" ? "variable" : "function", name };
  }
}

function parseConstant(kind: TokenKind, text: string): Operand {
  if (kind === "number") return { kind: "constant", value: parseNumber(text) };
  if (kind === "character") return { kind: "constant", value: parseCharacter(text) };
  if (kind === "bool")
    return { kind: "constant", value: { kind: "boolean", value: text === "true" } };
  return { kind: "constant", value: { kind: "string", type: "string", value: unquote(text) } };
}

function isExecutable(operand: Operand): boolean {
  return operand.kind !== "constant" && operand.kind !== "dot" && operand.kind !== "nil";
}

function isEmpty(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.kind === "text" && node.text.trim() === "");
}

function fail(message: string): BuiltinError {
  return new BuiltinError(`the template cannot be read: ${message}`);
}
