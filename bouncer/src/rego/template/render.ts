/**
 * Templates in Go's language, rendered. A template may come from a request: steps, depth and length
 * of what comes out are bounded. Pure.
 */
import { BuiltinError, type Query } from "../builtin.ts";
import type { Argument } from "../text/argument.ts";
import { callFunction, isTrue, type Result, show } from "./function.ts";
import { parseTemplate } from "./parser.ts";
import type { Command, Node, Operand, Pipeline, Template } from "./tree.ts";

const maxSteps = 1_000_000;

/** Templates that call templates. */
const maxDepth = 200;

const maxLength = 2 ** 24;

type Flow = "next" | "break" | "continue";

interface Variable {
  readonly name: string;
  value: Result;
}

export function renderTemplate(text: string, data: Argument, query: Query): string {
  return new Renderer(parseTemplate(text), query).run(data);
}

class Renderer {
  readonly #template: Template;
  readonly #query: Query;
  readonly #parts: string[] = [];
  #variables: Variable[] = [];
  #steps = 0;
  #depth = 0;
  #length = 0;

  constructor(template: Template, query: Query) {
    this.#template = template;
    this.#query = query;
  }

  run(data: Argument): string {
    this.#body(this.#template.main, data);
    return this.#parts.join("");
  }

  #write(text: string): void {
    this.#length += text.length;
    if (this.#length > maxLength) throw new BuiltinError(`the text is longer than ${maxLength}`);
    this.#parts.push(text);
  }

  #step(): void {
    this.#steps += 1;
    if (this.#steps > maxSteps) throw new BuiltinError("the template has too many steps");
    if (this.#steps % 64 === 0) this.#query.checkTime();
  }

  /** A template of its own, with nothing of the variables around it. */
  #body(nodes: readonly Node[], dot: Result): void {
    if (this.#depth === maxDepth) throw new BuiltinError("templates call each other too deeply");
    const outer = this.#variables;
    this.#variables = [{ name: "$", value: dot }];
    this.#depth += 1;
    this.#list(nodes, dot);
    this.#depth -= 1;
    this.#variables = outer;
  }

  #list(nodes: readonly Node[], dot: Result): Flow {
    for (const node of nodes) {
      const flow = this.#node(node, dot);
      if (flow !== "next") return flow;
    }
    return "next";
  }

  #node(node: Node, dot: Result): Flow {
    this.#step();
    if (node.kind === "break" || node.kind === "continue") return node.kind;
    if (node.kind === "text") this.#write(node.text);
    else if (node.kind === "action") this.#action(node.pipeline, dot);
    else if (node.kind === "template") this.#call(node, dot);
    else return node.kind === "range" ? this.#range(node, dot) : this.#branch(node, dot);
    return "next";
  }

  #action(pipeline: Pipeline, dot: Result): void {
    const value = this.#pipeline(pipeline, dot);
    if (pipeline.variables.length === 0)
      this.#write(value === undefined ? "<no value>" : show(value));
  }

  #call(node: Extract<Node, { readonly kind: "template" }>, dot: Result): void {
    const body = this.#template.definitions.get(node.name);
    if (body === undefined) throw new BuiltinError(`there is no template ${node.name}`);
    const value = node.pipeline === null ? undefined : this.#pipeline(node.pipeline, dot);
    this.#body(body, value);
  }

  #branch(node: Extract<Node, { readonly body: unknown }>, dot: Result): Flow {
    const mark = this.#variables.length;
    const value = this.#pipeline(node.pipeline, dot);
    const inner = node.kind === "with" ? value : dot;
    const flow = isTrue(value) ? this.#list(node.body, inner) : this.#list(node.otherwise, dot);
    this.#variables.length = mark;
    return flow;
  }

  #range(node: Extract<Node, { readonly body: unknown }>, dot: Result): Flow {
    const mark = this.#variables.length;
    const members = toMembers(this.#pipeline(node.pipeline, dot), node.pipeline);
    const inner = this.#variables.length;
    let flow: Flow = "next";
    let isEmpty = true;
    for (const [key, member] of members) {
      isEmpty = false;
      this.#step();
      this.#setMember(node.pipeline, key, member);
      const outcome = this.#list(node.body, member);
      this.#variables.length = inner;
      if (outcome === "break") break;
    }
    if (isEmpty) flow = this.#list(node.otherwise, dot);
    this.#variables.length = mark;
    return flow;
  }

  #setMember({ variables, isAssignment }: Pipeline, key: Result, member: Result): void {
    const values = variables.length > 1 ? [key, member] : [member];
    for (const [at, name] of variables.entries()) {
      if (isAssignment) this.#assign(name, values[at]);
      else {
        const variable = this.#variables[this.#variables.length - variables.length + at];
        if (variable !== undefined) variable.value = values[at];
      }
    }
  }

  #assign(name: string, value: Result): void {
    const variable = this.#variables.findLast((candidate) => candidate.name === name);
    if (variable === undefined) throw new BuiltinError(`there is no variable ${name}`);
    variable.value = value;
  }

  /** What is nil after it was looked up is nothing: it is shown as `<no value>`. */
  #pipeline(pipeline: Pipeline, dot: Result): Result {
    let last: readonly Result[] = [];
    for (const command of pipeline.commands) {
      const value = this.#command(command, dot, last);
      last = [value?.kind === "nil" ? undefined : value];
    }
    for (const name of pipeline.variables) {
      if (pipeline.isAssignment) this.#assign(name, last[0]);
      else this.#variables.push({ name, value: last[0] });
    }
    return last[0];
  }

  /** `last`: the value of the command before, if there is one; it is the last argument. */
  #command([first, ...rest]: Command, dot: Result, last: readonly Result[]): Result {
    this.#step();
    if (first.kind === "function") return this.#function(first.name, rest, { dot, last });
    const hasArguments = rest.length > 0 || last.length > 0;
    if (first.kind === "fields") return this.#fields(first, dot, hasArguments);
    if (hasArguments) throw new BuiltinError("what is no function has arguments");
    if (first.kind === "nil") throw new BuiltinError("nil is not a command");
    return this.#operand(first, dot);
  }

  #function(name: string, operands: readonly Operand[], given: Given): Result {
    if (name === "and" || name === "or") return this.#logic(name === "or", operands, given);
    const values = operands.map((operand) => this.#operand(operand, given.dot));
    return callFunction(name, [...values, ...given.last]);
  }

  #logic(isOr: boolean, operands: readonly Operand[], { dot, last }: Given): Result {
    if (operands.length + last.length === 0) throw new BuiltinError("and, or need an argument");
    let value: Result;
    for (const operand of operands) {
      value = this.#operand(operand, dot);
      if (isTrue(value) === isOr) return value;
    }
    return last.length > 0 ? last[0] : value;
  }

  #operand(operand: Operand, dot: Result): Result {
    if (operand.kind === "dot") return dot;
    if (operand.kind === "nil") return { kind: "nil" };
    if (operand.kind === "constant") return operand.value;
    if (operand.kind === "variable") return this.#variable(operand.name);
    if (operand.kind === "pipeline") return this.#pipeline(operand.pipeline, dot);
    if (operand.kind === "fields") return this.#fields(operand, dot, false);
    return this.#function(operand.name, [], { dot, last: [] });
  }

  #variable(name: string): Result {
    const variable = this.#variables.findLast((candidate) => candidate.name === name);
    if (variable === undefined) throw new BuiltinError(`there is no variable ${name}`);
    return variable.value;
  }

  /** Fields of nothing are nothing; fields of nil are an error. */
  #fields(
    { of, names }: Extract<Operand, { readonly kind: "fields" }>,
    dot: Result,
    hasArguments: boolean,
  ): Result {
    let value = this.#operand(of, dot);
    for (const [at, name] of names.entries()) {
      if (value === undefined) return undefined;
      if (value.kind !== "map")
        throw new BuiltinError(`there is no field ${name} in a ${value.kind}`);
      if (hasArguments && at === names.length - 1) {
        throw new BuiltinError(`the field ${name} has arguments`);
      }
      value = value.members.find(([key]) => key === name)?.[1];
    }
    return value;
  }
}

interface Given {
  readonly dot: Result;
  readonly last: readonly Result[];
}

type Member = readonly [key: Result, member: Result];

function toMembers(value: Result, { variables }: Pipeline): Iterable<Member> {
  if (value === undefined) return [];
  if (value.kind === "list") return value.values.map((member, at) => [toInt(BigInt(at)), member]);
  if (value.kind === "map") {
    return value.members.map(([key, member]) => [
      { kind: "string", type: "string", value: key },
      member,
    ]);
  }
  if (value.kind !== "integer" || variables.length > 1) {
    throw new BuiltinError(`there is nothing to range over in a ${value.kind}`);
  }
  return countTo(value.value);
}

function* countTo(end: bigint): Generator<Member> {
  for (let at = 0n; at < end; at += 1n) yield [undefined, toInt(at)];
}

function toInt(value: bigint): Argument {
  return { kind: "integer", type: "int", value };
}
