/**
 * From a request to the input document of OPA's Envoy plugin, or to the parts of it that a bundle
 * declares. What is built is all that the policy sees and all that a decision is remembered by. Pure.
 */
import { parse } from "lossless-json";
import { parseNumber } from "./body.ts";
import type { ConnectionHead, DenyReason, RequestBody, RequestHead } from "./decision.ts";
import { Facts, type InputContext } from "./facts.ts";
import { connectionFields, type InputPlan, version } from "./fields.ts";
import { findFormProblem, queryOf } from "./target.ts";

export type InputResult =
  | InputDocument
  | { readonly kind: "refused"; readonly reason: DenyReason; readonly detail: string };

/** What the policy gets is the text; hardly anybody else looks at what is in it. */
export class InputDocument {
  readonly kind = "input";
  /** JSON. */
  readonly text: string;
  #value: unknown;

  constructor(text: string) {
    this.text = text;
  }

  /** An object; made when it is asked for. */
  get input(): unknown {
    this.#value ??= readInput(this.text);
    return this.#value;
  }
}

export function buildInput(
  plan: InputPlan,
  request: RequestHead,
  body: RequestBody | null,
  context: InputContext,
): InputResult {
  const problem = plan.readsQuery ? findFormProblem(queryOf(request.target)) : null;
  if (problem !== null) return refuse("ambiguous_request", `the query has ${problem}`);
  const facts = new Facts(request, body, context);
  if (plan.bodyBytes > 0 && body === null && announcesBody(facts)) {
    // The policy was switched to one that reads bodies after this request had begun.
    return refuse("bad_body", "the body was not read ahead");
  }
  try {
    return new InputDocument(plan.write(facts));
  } catch (error) {
    // Only a body can fail here.
    return refuse("bad_body", error instanceof Error ? error.message : String(error));
  }
}

/** Of a connection on an opaque port: what there is, and nothing in the place of a request. */
export function buildConnectionInput(plan: InputPlan, connection: ConnectionHead): InputResult {
  const input = createTree();
  for (const { path } of plan.steps) {
    const name = path.join(".");
    const value = name === "version" ? version() : connectionFields[name]?.(connection);
    if (value !== undefined) place(input, path, value);
  }
  return new InputDocument(JSON.stringify(input));
}

/** Only a body has numbers that a double cannot hold. */
function readInput(text: string): unknown {
  const field = '"parsed_body":';
  const at = text.indexOf(field);
  return at < 0 || text.startsWith("null", at + field.length)
    ? JSON.parse(text)
    : parse(text, null, { parseNumber });
}

function refuse(reason: DenyReason, detail: string): InputResult {
  return { kind: "refused", reason, detail };
}

interface Tree {
  [key: string]: unknown;
}

function createTree(): Tree {
  return { __proto__: null };
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null;
}

function place(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    const inner = isTree(next) ? next : createTree();
    at[key] = inner;
    at = inner;
  }
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}

/** RFC 9112, section 6.3: a request without these has no body. */
function announcesBody(facts: Facts): boolean {
  return (
    facts.header("transfer-encoding") !== undefined ||
    (facts.header("content-length") ?? "0") !== "0"
  );
}
